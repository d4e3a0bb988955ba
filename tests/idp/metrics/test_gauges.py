"""How the installation stands, for Prometheus: a scrape never waits for a database that is silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients.models import LogoutNotice
from common import leases
from common.timers import TimerRun
from idp import VERSION
from idp.metrics import gauges
from idp.metrics.gauges import Installation, Number, families, numbers


def said(found: Iterator[Number] | list[Number]) -> dict[tuple[str, str], float]:
    return {(one.name, ",".join(value for _name, value in one.labels)): float(one.value) for one in found}


@pytest.mark.django_db
def test_what_stands_in_the_database_is_told(world: None) -> None:
    LogoutNotice.objects.create(sid="0" * 32, sub="someone")
    LogoutNotice.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    at = timezone.now()
    TimerRun.objects.create(command="cleartokens", began_at=at, ended_at=at, failed=True, run_by="a test")
    leases.take("worker one", "one", timedelta(minutes=1))
    with CaptureQueriesContext(connection) as queries:
        found = said(numbers())
    assert len(queries) < 40
    assert found["schema_current", ""] == found["cache_up", ""] == found["workers", ""] == 1
    assert found["outbox_due", "notices"] == 1
    assert 299 < found["outbox_oldest_seconds", "notices"] < 400
    assert found["rows", "people"] == 3
    assert found["timer_last_run_failed", "cleartokens"] == 1
    assert found["timer_last_run_timestamp_seconds", "cleartokens"] == pytest.approx(at.timestamp(), abs=1)
    assert found["timer_last_run_timestamp_seconds", "delivermail"] == 0, "an alert misses what never ran"
    assert found["timer_last_run_failed", "delivermail"] == 0
    assert found["signing_key_problems", ""] == 0
    assert {name for key, name in found if key == "signing_key_age_seconds"} == {"ES256", "EdDSA", "PS256", "RS256"}


def scraped(gather: Callable[[], Iterator[Number]]) -> dict[str, float]:
    one = Installation(gather)
    return {sample.name: sample.value for family in one.collect() for sample in family.samples}


@pytest.mark.any_database
def test_a_database_that_is_away_is_a_number_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Iterator[Number]:
        raise OperationalError("connection refused")

    found = scraped(away)
    assert found == {"vestibule_database_up": 0, "vestibule_build_info": 1}


@pytest.mark.any_database
def test_tables_of_before_are_told_as_such_and_not_as_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at after them needs a column that is not there yet."""

    def before() -> Iterator[Number]:
        yield Number("schema_current", "", False)
        raise OperationalError("no such column: clients_signingkey.later")

    found = scraped(before)
    assert found == {"vestibule_schema_current": 0, "vestibule_database_up": 1, "vestibule_build_info": 1}


@pytest.mark.any_database
def test_a_fault_is_told_once_and_does_not_end_the_looking(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gauges, "EVERY", 0.01)
    looks = iter([ValueError("not what was thought")] * 3)

    def faulty() -> Iterator[Number]:
        for error in looks:
            raise error
        yield Number("rows", "", 7)

    one, until = Installation(faulty), time.monotonic() + 20
    while "vestibule_rows" not in {family.name for family in one.collect()}:
        assert time.monotonic() < until
        time.sleep(0.01)
    said = "The numbers of the database are not told: ValueError: not what was thought"
    assert [record.getMessage() for record in caplog.records if record.name == gauges.__name__] == [said]


@pytest.mark.any_database
def test_a_database_that_is_silent_keeps_no_scrape_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "FIRST", 0.05)
    answers, began = threading.Event(), time.monotonic()

    def silent() -> Iterator[Number]:
        answers.wait(20)
        return iter(())

    assert scraped(silent)["vestibule_database_up"] == 0
    assert time.monotonic() - began < 10
    answers.set()


@pytest.mark.any_database
def test_numbers_of_one_name_are_one_metric() -> None:
    found = list(families([Number("rows", "", 1, (("table", "a"),)), Number("rows", "", 2, (("table", "b"),))]))
    assert [(one.name, len(one.samples)) for one in found] == [("vestibule_rows", 2)]
    [info] = families([one for one in gauges._always(True) if one.name == "build_info"])
    assert info.samples[0].labels == {"version": VERSION}
