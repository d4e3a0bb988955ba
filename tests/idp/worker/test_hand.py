"""A job of the worker goes on whatever goes wrong in it, and is done by one worker where one is enough."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from clients.models import Lease
from common import leases, timers
from common.command import Refused
from common.timers import TimerRun
from idp.worker import hand
from idp.worker.hand import LEASE, Hand
from idp.worker.jobs import JOBS, Job, Said, Turn, hourly

pytestmark = pytest.mark.django_db


def working(run: Callable[[Turn], Said], *, shared: bool = False, holder: str = "this one") -> Hand:
    return Hand(Job("a job", run, 1.0, hourly if shared else None), holder, threading.Event())


@pytest.fixture(autouse=True)
def _nothing_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "_recorded", {})


def test_trouble_is_on_record_and_the_job_comes_back_more_and_more_slowly(caplog: Any) -> None:
    def refused(_turn: Turn) -> Said:
        raise Refused("No key opens.")

    one = working(refused)
    pauses = [one.turn() for _again in range(8)]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[3] <= pauses[-1] == hand.LONGEST_PAUSE
    row = TimerRun.objects.get()
    assert (row.failed, row.said) == (True, {"error": "No key opens."})
    said = [line.getMessage() for line in caplog.records if line.name == "vestibule.worker"]
    assert said == ["a job: No key opens. Trying again."], "once, and not every minute"


def test_a_fault_of_ours_is_logged_with_its_place_and_ends_nothing(caplog: Any) -> None:
    faults = [ZeroDivisionError("division by zero")]

    def fails_once(_turn: Turn) -> Said:
        if faults:
            raise faults.pop()
        return {"sent": 1}

    one = working(fails_once)
    one.turn()
    assert [line.exc_info is not None for line in caplog.records if line.levelno == logging.ERROR] == [True]
    assert one.turn() == 1.0
    assert not one.trouble
    assert "a job: it works again." in caplog.text


def test_a_database_that_is_away_is_said_in_a_sentence(caplog: Any) -> None:
    def away(_turn: Turn) -> Said:
        raise OperationalError("connection refused")

    assert working(away).turn() > 1.0
    [line] = [line for line in caplog.records if line.levelno == logging.ERROR]
    assert "The database cannot be used: connection refused." in line.getMessage()
    assert not line.exc_info


@pytest.mark.parametrize(
    ("said", "waits"), [({"sent": 0, "failed": 1}, True), ({"sent": 2, "failed": 1}, False), ({"sent": 0}, False)]
)
def test_a_receiver_that_takes_nothing_is_not_asked_every_second(said: dict[str, object], waits: bool) -> None:
    one = working(lambda _turn: said)
    assert [one.turn() > 1.0, one.turn() > 2.0] == [waits, waits]


def test_what_one_worker_does_no_other_does_meanwhile_or_again() -> None:
    done: list[str] = []

    def others_look(_turn: Turn) -> Said:
        done.append("this one")
        other.turn()
        return {"deleted": 0}

    def others_run(_turn: Turn) -> Said:
        done.append("the other")
        return {}

    other = working(others_run, shared=True, holder="the other")
    working(others_look, shared=True).turn()
    other.turn()
    assert done == ["this one"]
    assert not Lease.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        other.turn()
    assert done == ["this one", "the other"]


def test_a_run_from_cron_counts() -> None:
    timers.record("a job", timezone.now(), {}, "cron")
    one = working(lambda _turn: pytest.fail("it ran a moment ago"), shared=True)
    assert one.turn() == 1.0
    assert one.said is None


def test_a_worker_that_died_is_followed_by_another_once_its_lease_is_over() -> None:
    leases.take("a job", "one that was killed", LEASE)
    one = working(lambda _turn: {"deleted": 0}, shared=True)
    one.turn()
    assert one.said is None
    with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1)):
        one.turn()
    assert one.said == {"deleted": 0}


def test_a_worker_that_stood_still_stops_when_another_took_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand, "RENEWED_EVERY", -1.0)  # at each step
    stopped: list[bool] = []

    def long(turn: Turn) -> Said:
        stopped.append(turn.should_stop())
        with time_machine.travel(timezone.now() + 2 * LEASE):
            leases.take("a job", "another", 10 * LEASE)
        stopped.append(turn.should_stop())
        return {}

    working(long, shared=True).turn()
    assert stopped == [False, True]
    assert Lease.objects.get().holder == "another", "it is not given back for them"


def test_sigterm_ends_a_long_job_between_two_steps() -> None:
    stop = threading.Event()
    seen: list[bool] = []

    def long(turn: Turn) -> Said:
        seen.append(turn.should_stop())
        stop.set()
        seen.append(turn.should_stop())
        return {}

    Hand(Job("a job", long, 1.0), "this one", stop).turn()
    assert seen == [False, True]


def test_a_job_that_gets_nowhere_is_noticed_and_one_that_gets_on_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def long(turn: Turn) -> Said:
        monkeypatch.setattr(hand, "PATIENCE", -1.0)
        seen.append(one.stuck())
        monkeypatch.setattr(hand, "PATIENCE", 100.0)
        turn.should_stop()
        seen.append(one.stuck())
        return {}

    one = working(long)
    one.turn()
    monkeypatch.setattr(hand, "PATIENCE", -1.0)
    assert [*seen, one.stuck()] == [True, False, False], "and one that pauses waits for nothing"


def test_the_command_does_what_is_due_once(capsys: Any, world: None) -> None:
    call_command("worker", "--once")
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [job.name for job in JOBS]
    call_command("worker", "--once")
    assert capsys.readouterr().out.splitlines()[2:] == ["cleartokens: not due", "rotatekeys: not due"]


def test_two_runs_of_the_command_do_nothing_at_the_same_time(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from cron, when the first takes longer than the time between two."""
    runs: list[str] = []

    def clears(**_options: object) -> dict[str, int]:
        runs.append("begins")
        if len(runs) == 1:
            call_command("worker", "--once")
        return {}

    monkeypatch.setattr("idp.worker.jobs.clear", clears)
    call_command("worker", "--once")
    assert runs == ["begins"]


def test_the_command_exits_with_1_when_something_failed(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.worker.jobs.clear", lambda **_options: 1 / 0)
    with pytest.raises(SystemExit) as ending:
        call_command("worker", "--once")
    assert ending.value.code == 1
    assert "cleartokens: ZeroDivisionError" in capsys.readouterr().out
