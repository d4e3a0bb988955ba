"""What the worker does, and when it is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as real
from django.utils import timezone

from accounts.mails import Mail
from clients.models import SigningKey
from clients.models.keys import KeyState
from common.jws import ALGORITHMS
from common.timers import TimerRun
from idp.status import TIMERS
from idp.worker import jobs
from idp.worker.jobs import JOBS, Turn

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
BY_NAME = {job.name: job for job in JOBS}


def ran(job: str, *, ago: timedelta, failed: bool = False) -> TimerRun:
    return TimerRun(command=job, began_at=NOW - ago, ended_at=NOW - ago, failed=failed)


def run(job: str) -> dict[str, object]:
    return dict(BY_NAME[job].run(Turn(lambda: False, lambda _sentence: None)))


def test_each_job_is_a_timer_that_status_tells_of() -> None:
    assert set(BY_NAME) == set(TIMERS)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("job", "ago", "failed", "due"),
    [
        ("cleartokens", timedelta(hours=8), False, False),  # at four, after the hour of three
        ("cleartokens", timedelta(hours=10), False, True),  # at two
        ("cleartokens", timedelta(days=3), False, True),
        ("cleartokens", timedelta(minutes=5), True, False),
        ("cleartokens", timedelta(minutes=11), True, True),
        ("rotatekeys", timedelta(minutes=59), False, False),
        ("rotatekeys", timedelta(minutes=61), False, True),
        ("delivermail", timedelta(0), False, True),
        ("deliverevents", timedelta(0), True, True),
    ],
)
def test_a_job_is_due_by_its_last_run_whoever_it_was_by(job: str, ago: timedelta, failed: bool, due: bool) -> None:
    assert BY_NAME[job].due(ran(job, ago=ago, failed=failed), NOW) is due
    assert BY_NAME[job].due(None, NOW)


@pytest.mark.any_database
def test_the_night_is_when_the_deployment_says(settings: Any) -> None:
    settings.IDP_CLEARING_HOUR = 13
    assert not BY_NAME["cleartokens"].due(ran("cleartokens", ago=timedelta(hours=20)), NOW)
    assert BY_NAME["cleartokens"].due(ran("cleartokens", ago=timedelta(hours=20)), NOW + timedelta(hours=1))


@pytest.mark.django_db
def test_mail_and_notices_are_sent_and_counted() -> None:
    Mail.objects.create(sealed="no secret opens this", expires_at=timezone.now() + timedelta(hours=1))
    told: list[str] = []
    said = BY_NAME["delivermail"].run(Turn(lambda: False, told.append))
    assert dict(said) == {"sent": 0, "failed": 1, "given_up": 0}
    assert len(told) == 1
    assert run("deliverevents")["delivered"] == 0
    assert run("cleartokens") == {"deleted": 0}


def aged(by: timedelta, **of: str) -> None:
    then, keys = timezone.now() - by, SigningKey.objects.filter(**of)
    keys.update(created_at=then)
    keys.filter(state=KeyState.ACTIVE).update(activated_at=then)


@pytest.mark.usefixtures("keys")
class TestRotation:
    """A key signs for a month. The next one was known for long enough by then."""

    def test_young_keys_stay(self) -> None:
        aged(timedelta(0))
        before = set(SigningKey.objects.values_list("kid", "state"))
        assert set(run("rotatekeys")) == {"next"}
        assert set(SigningKey.objects.values_list("kid", "state")) == before

    def test_an_old_key_is_followed_by_the_next_and_only_that_one(self) -> None:
        aged(timedelta(0))
        aged(timedelta(days=real.IDP_KEY_ROTATION_DAYS), algorithm="ES256")
        following = SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT)
        assert run("rotatekeys")["ES256"] == "activate"
        following.refresh_from_db()
        assert following.state == KeyState.ACTIVE
        assert set(run("rotatekeys")) == {"next"}, "again at once: nothing more"

    def test_a_next_key_that_is_missing_is_made_at_once(self) -> None:
        SigningKey.objects.filter(algorithm="ES256", state=KeyState.NEXT).delete()
        assert run("rotatekeys")["ES256"] == "publish"
        with time_machine.travel(timezone.now() + timedelta(minutes=10)):
            assert "ES256" not in run("rotatekeys"), "it waits like any other"


@pytest.mark.django_db
def test_before_quickstart_no_key_is_made() -> None:
    assert run("rotatekeys") == {}
    assert not SigningKey.objects.exists()
    assert len(ALGORITHMS) > 1


def test_the_words_of_the_table_are_those_of_commands() -> None:
    assert all(job.pause > 0 for job in JOBS)
    assert {job.name for job in JOBS if not job.shared} == {"delivermail", "deliverevents"}
    assert timedelta(hours=1) > jobs.RETRY
