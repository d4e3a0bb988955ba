"""`manage.py doctor` of access tokens that are divided by days: what clearing does not do is told, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from clients.models import Client
from idp.doctor import FAILED, OK, WARNING
from idp.doctor import partitions as examined
from provider import partitions
from tests.world import App

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
on_postgresql = pytest.mark.postgresql
NOON = datetime(2031, 5, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def found() -> list[tuple[str, str]]:
    for one in examined.parts():
        assert one.state == OK or one.remedy, "what is not well comes with what to do"
    return [(one.state, one.said) for one in examined.parts()]


def test_one_table_is_well() -> None:
    [(state, said)] = found()
    assert (state, said.startswith("access tokens are one table")) == (OK, True)


@on_postgresql
def test_days_that_are_made_every_night_are_well_whatever_the_hour() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        partitions.divide()
        assert [state for state, _said in found()] == [OK]
        for night in range(1, 5):
            for hour in (0, 2, 22):
                clock.move_to(datetime(2031, 5, 10, hour, 59, tzinfo=UTC) + night * DAY)
                assert [state for state, _said in found()] == [OK]
            clock.move_to(datetime(2031, 5, 10, 23, 1, tzinfo=UTC) + night * DAY)
            partitions.keep()


@on_postgresql
def test_days_that_nobody_makes_are_told_before_tokens_need_them() -> None:
    """Clearing by a role that does not own the table makes none."""
    with time_machine.travel(NOON, tick=False) as clock:
        partitions.divide()
        clock.move_to(NOON + 2 * DAY)
        missing, over = found()
        assert missing[0] == over[0] == WARNING
        assert "expire on 2031-05-13: they" in missing[1]
        assert over[1].startswith("1 part of days that are over: clients_accesstoken_before")
        clock.move_to(NOON + 4 * DAY)
        assert "expire on 2031-05-14, 2031-05-15: they" in found()[0][1]
        assert found()[1][1].startswith("3 parts")
        partitions.keep()
        assert [state for state, _said in found()] == [OK]


@on_postgresql
def test_a_lifetime_that_was_raised_afterwards_is_told() -> None:
    with time_machine.travel(NOON, tick=False):
        partitions.divide()
        Client.objects.filter(client_id="service").update(access_token_lifetime=4 * 86_400)
        App("service").token(grant_type="client_credentials")
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {partitions.REST}")
        said = dict(found())[WARNING]
        assert said.startswith("Access tokens of service live for more than 2 days: about 1 wait in")
        Client.objects.filter(client_id="web").update(access_token_lifetime=5 * 86_400)
        assert dict(found())[WARNING].startswith("Access tokens of web and 1 other live")


@on_postgresql
def test_many_that_wait_are_told_though_their_lifetime_was_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(NOON, tick=False):
        partitions.divide()
        monkeypatch.setattr(examined, "MANY", -1)
        assert dict(found())[WARNING].startswith("Of access tokens about 0 wait in clients_accesstoken_rest")


@on_postgresql
def test_a_check_that_an_interrupted_run_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise partitions.InUse("Somebody keeps it in use.")

    monkeypatch.setattr(partitions, "_swap", fail)
    monkeypatch.setattr(partitions, "unbind", lambda: None)
    with pytest.raises(partitions.InUse):
        partitions.divide()
    assert found()[0] == (FAILED, partitions.STILL_BOUND)
