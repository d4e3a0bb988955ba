"""Refusals of one kind are one row of the hour, a flood fills no table, and no answer waits or fails for them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection

from clients.models import RefusedRequest
from provider.store import refusals
from provider.store.refusals import Refused, Same, Waiting
from tests.world import App, basic

NOW = datetime(2026, 11, 29, 19, 30, tzinfo=UTC)


def one(client_id: str = "web", network: str = "192.0.2.1", *, request_id: str = "r", at: datetime = NOW) -> Refused:
    hour = at.replace(minute=0)
    same = Same(hour, client_id, "token", "refresh_token", "invalid_grant", "grant", network)
    return Refused(same, None, f"said to {request_id}", at, request_id)


def rows() -> list[tuple[str, int, str]]:
    return [*RefusedRequest.objects.order_by("pk").values_list("client_id", "count", "request_ids")]


@pytest.mark.django_db
def test_the_same_refusal_of_an_hour_is_one_row_that_counts_and_keeps_the_references() -> None:
    for number in range(3):
        refusals.keep(one(request_id=f"r{number}", at=NOW + timedelta(minutes=number)))
    assert rows() == [("web", 3, "r2 r1 r0")]
    row = RefusedRequest.objects.get()
    assert (row.first_at, row.last_at, row.description) == (NOW, NOW + timedelta(minutes=2), "said to r2")
    refusals.keep(one(at=NOW + timedelta(hours=1)))
    refusals.keep(one(network="192.0.2.2"))
    refusals.keep(one("spa"))
    assert [count for _client, count, _ids in rows()] == [3, 1, 1, 1]


@pytest.mark.django_db
def test_the_references_of_a_row_have_an_end() -> None:
    for number in range(200):
        refusals.keep(one(request_id=f"{number:08}"))
    (row,) = RefusedRequest.objects.all()
    assert row.count == 200
    assert row.request_ids.startswith("00000199 00000198 ")
    assert len(row.request_ids) == refusals.MAX_REQUEST_IDS


@pytest.mark.django_db
def test_what_waits_together_is_one_statement(django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        refusals._waiting.put(one(network=f"192.0.2.{number % 10}", request_id=str(number)))
    with django_assert_num_queries(1):
        assert refusals.write()
    assert [count for _client, count, _ids in rows()] == [5] * 10


@pytest.mark.django_db
@pytest.mark.usefixtures("world")
def test_a_refused_request_costs_one_statement_more(django_assert_max_num_queries: Any) -> None:
    def refused() -> None:
        App("web").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("web", "wrong"))

    refused()
    with django_assert_max_num_queries(20) as before:
        refused()
    kept = [query["sql"] for query in before.captured_queries if RefusedRequest._meta.db_table in query["sql"]]
    assert len(kept) == 1


def flooded(*several: Refused) -> list[Refused]:
    waiting = Waiting()
    for refused in several:
        waiting.put(refused)
    return waiting.take()


def test_who_knows_a_client_id_fills_no_table_from_many_networks() -> None:
    found = flooded(*(one(network=f"2001:db8:0:{number:x}::/64") for number in range(5_000)))
    assert len(found) == refusals.OF_ONE_CLIENT + 1
    assert sum(row.count for row in found) == 5_000, "counted all the same"
    assert [row.count for row in found if not row.same.network] == [5_000 - refusals.OF_ONE_CLIENT]


def test_who_knows_many_client_ids_does_not_either() -> None:
    found = flooded(*(one(f"client{n % 3_000}", f"192.0.{n // 256}.{n % 256}") for n in range(9_000)))
    assert len(found) == refusals.OF_ALL + 1
    assert sum(row.count for row in found) == 9_000
    assert [row.same.client_id for row in found if not row.same.step] == [""]


def test_strangers_leave_room_for_what_is_known() -> None:
    strangers = [one("", f"2001:db8:0:{number:x}::/64") for number in range(5_000)]
    assert one("web").same in [row.same for row in flooded(*strangers, one("web"))]


def test_who_has_many_networks_and_knows_many_client_ids_hides_no_refusal_of_another_client() -> None:
    flood = [one(f"client{n % 30}", f"2001:db8:0:{n:x}::/64") for n in range(5_000)]
    found = flooded(*flood, one("web"), one("web"))
    assert [row.count for row in found if row.same.client_id == "web"] == [2]
    assert sum(row.count for row in found) == 5_002


def test_the_next_hour_begins_anew() -> None:
    full = [one(network=f"2001:db8:0:{number:x}::/64") for number in range(refusals.OF_ONE_CLIENT)]
    later = one(at=NOW + timedelta(hours=1))
    assert later.same in [row.same for row in flooded(*full, later)]
    assert one().same not in [row.same for row in flooded(*full, one())]


@pytest.mark.django_db
def test_what_the_database_could_not_take_is_kept_until_it_can() -> None:
    def gone(*_call: Any) -> Any:
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(gone):
        refusals.keep(one(request_id="first"))
        refusals.keep(one(request_id="second"))
    assert rows() == []
    refusals.keep(one(request_id="third"))
    assert rows() == [("web", 3, "third second first")]


def test_what_can_never_be_written_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(_rows: Any) -> None:
        raise DatabaseError("value too long")

    monkeypatch.setattr(refusals, "_upsert", broken)
    refusals.keep(one())
    assert refusals._waiting.take() == []
    assert "could not be kept: value too long" in caplog.text


def test_where_a_writer_runs_nobody_waits_for_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    class Sleeping(refusals.Writer):
        def __init__(self) -> None:
            pass

        def call(self) -> None:
            called.append("")

    monkeypatch.setattr(refusals, "_writer", Sleeping())
    refusals.keep(one())
    assert called == [""]
    assert [row.request_ids for row in refusals._waiting.take()] == ["r"]


def test_a_mistake_of_ours_does_not_end_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    written = threading.Event()
    mistakes = iter([ValueError("a letter that cannot be encoded")])

    def write() -> bool:
        if (mistake := next(mistakes, None)) is not None:
            writer.call()
            raise mistake
        written.set()
        return True

    monkeypatch.setattr(refusals, "EVERY", 0.01)
    monkeypatch.setattr(refusals, "write", write)
    writer = refusals.Writer()
    writer.call()
    assert written.wait(10)


def test_a_writer_tries_again_until_the_database_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, done = [False, False, True], threading.Event()

    def write() -> bool:
        answer = answers.pop(0)
        if not answers:
            done.set()
        return answer

    monkeypatch.setattr(refusals, "write", write)
    monkeypatch.setattr(refusals, "EVERY", 0.01)
    refusals.Writer().call()
    assert done.wait(10)
