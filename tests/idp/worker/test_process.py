"""The worker as a process of its own: it delivers what is written beside it, and ends when it is asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from clients.models import Lease
from common import leases, timers
from common.command import whoever_runs_this
from common.timers import TimerRun
from idp.worker import process
from idp.worker.jobs import JOBS, Job, Said, Turn
from tests.migrated import copy

SECRET = "of-no-installation-that-there-is-anywhere"


def within(seconds: float, holds: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)


@pytest.mark.any_database
def test_it_works_on_sqlite_too_and_ends_at_sigterm(tmp_path: Path) -> None:
    database, log = tmp_path / "db.sqlite3", tmp_path / "log"
    copy(str(database))
    own = {"DATABASE_URL": f"sqlite:///{database}", "SECRET_KEY": SECRET, "IDP_KEY_SECRETS": SECRET}
    command = [sys.executable, "manage.py", "worker"]
    with log.open("w") as file:
        worker = subprocess.Popen(command, cwd=settings.BASE_DIR, env={**os.environ, **own}, stderr=file)
        try:
            within(60, lambda: "cleartokens: deleted 0" in log.read_text())
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(40) == 0
    assert "ERROR" not in log.read_text()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_every_job_has_a_turn_and_its_worker_is_seen(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "_recorded", {})  # what tests before this one did in the last minute
    stop, seen = threading.Event(), list[str]()

    def until_all_had_one() -> None:
        until = time.monotonic() + 60
        try:
            while time.monotonic() < until and (TimerRun.objects.count() < len(JOBS) or not process.seen()):
                time.sleep(0.05)
            seen.extend(process.seen())
        finally:
            stop.set()
            connection.close()

    looking = threading.Thread(target=until_all_had_one)
    looking.start()
    assert process.serve(stop)
    looking.join()
    assert seen == [whoever_runs_this()]
    assert process.seen() == [], "it said goodbye"
    assert set(TimerRun.objects.values_list("command", flat=True)) == {job.name for job in JOBS}
    assert not TimerRun.objects.filter(failed=True).exists()


@pytest.mark.any_database
@pytest.mark.django_db
def test_a_worker_that_went_without_a_word_is_not_seen_for_long() -> None:
    leases.take(f"{process.SEEN}one", "one 7-1", process.SEEN_FOR)
    assert process.seen() == ["one"]
    Lease.objects.update(until=timezone.now())
    assert process.seen() == []


@pytest.mark.any_database
@pytest.mark.django_db
def test_a_worker_that_ended_is_not_seen_any_more() -> None:
    leases.take(f"{process.SEEN}one", "one", process.SEEN_FOR)
    leases.take(f"{process.SEEN}two", "two", process.SEEN_FOR)
    assert process._finished([], "one")
    assert process.seen() == ["two"]


@pytest.mark.any_database
def test_what_does_not_end_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.05)
    goes_on, stop = threading.Event(), threading.Event()

    def waits(_turn: Turn) -> Said:
        stop.set()
        goes_on.wait(20)
        return {}

    monkeypatch.setattr(process, "JOBS", ())
    monkeypatch.setattr(process, "_present", lambda _holder: Job("a job", waits, 1.0, on_record=False))
    monkeypatch.setattr("idp.worker.hand.learn_the_time", lambda: None)
    assert not process.serve(stop)
    assert "Stopped in the middle of a job" in caplog.text
    goes_on.set()
