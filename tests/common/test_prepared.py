"""Statements sent straight through libpq behave as Django's own would."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection, transaction
from psycopg.rows import TupleRow

from clients.models import Client
from common import cache, prepared, sql
from projects.models import Project
from tests.world import App

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
INSERT = "INSERT INTO clients_revokedtoken (jti, expires) VALUES (%s, %s)"
COUNT = "SELECT count(*) FROM clients_revokedtoken"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        ("text", "a'b \\ é € %s $1", "a'b \\ é € %s $1"),
        ("text", "", ""),
        ("text", None, None),
        ("int", 7, "7"),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("uuid", uuid.UUID(int=5), str(uuid.UUID(int=5))),
        ("jsonb", '["a", "b"]', '["a", "b"]'),
        ("timestamptz", NOW, "2026-01-02 03:04:05.678901+00"),
    ],
)
def test_values_arrive_as_they_are(type_: str, value: Any, text: str | None) -> None:
    assert prepared.send(f"SELECT (%s::{type_})::text", [value]) == text


def test_no_row_is_none() -> None:
    assert prepared.send("SELECT 'x' WHERE %s::boolean", [False]) is None


def test_a_text_is_never_cut_off() -> None:
    """PostgreSQL would read up to the NUL, and find another token."""
    with pytest.raises(DataError):
        prepared.send("SELECT %s::text", ["known\0rest"])


def test_errors_are_djangos() -> None:
    prepared.send(INSERT, ["a", NOW])
    with pytest.raises(IntegrityError) as raised:
        prepared.send(INSERT, ["a", NOW])
    assert isinstance(raised.value.__cause__, psycopg.errors.UniqueViolation)
    with pytest.raises(DatabaseError):
        prepared.send("SELECT no_such_column FROM clients_revokedtoken", [])
    assert prepared.send(COUNT, []) == "1", "and the connection is as good as before"


def test_it_is_part_of_the_transaction_it_is_in() -> None:
    with transaction.atomic():
        prepared.send(INSERT, ["a", NOW])
        assert prepared.send(COUNT, []) == "1"
        transaction.set_rollback(True)
    assert prepared.send(COUNT, []) == "0"


def test_a_statement_is_prepared_once_per_connection() -> None:
    for _ in range(3):
        prepared.send(COUNT, [])
    assert _known().count(COUNT) == 1
    connection.close()
    prepared.send(COUNT, [])
    assert _known().count(COUNT) == 1


def test_a_name_stands_for_one_statement_on_every_connection() -> None:
    """Behind a pooler that gives one session to several connections, a name must not run somebody else's statement."""
    texts = ("SELECT '1'", "SELECT '2'")
    seen = []
    for order in (texts, texts[::-1]):
        connection.close()
        for text in order:
            prepared.send(text, [])
        seen.append(_statement_names())
    assert seen[0] == seen[1]
    assert len(set(seen[0].values())) == 2


def test_behind_a_pooler_of_transactions_nothing_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    connection.close()  # what other tests prepared goes with its session
    with transaction.atomic():
        prepared.send(INSERT, ["a", NOW])
    assert prepared.send(COUNT, []) == "1"
    assert prepared.send("SELECT count(*) FROM pg_prepared_statements", []) == "0"
    with pytest.raises(IntegrityError):
        prepared.send(INSERT, ["a", NOW])


def test_what_a_session_forgot_is_prepared_again() -> None:
    prepared.send(INSERT, ["a", NOW])
    _forget()
    prepared.send(INSERT, ["b", NOW])
    assert prepared.send(COUNT, []) == "2"


def test_a_transaction_that_forgot_fails_and_the_next_does_not() -> None:
    prepared.send(COUNT, [])

    @transaction.atomic
    def forgetful() -> None:
        _forget()
        prepared.send(COUNT, [])

    with pytest.raises(DatabaseError):
        forgetful()
    assert prepared.send(COUNT, []) == "0"


def _forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")


def _statement_names() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, name FROM pg_prepared_statements")
        return dict(cursor.fetchall())


def _known() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def test_a_read_finds_a_broken_connection_and_takes_another() -> None:
    assert sql.read("SELECT '[1]'", ()) == [1]
    _break()
    assert sql.read("SELECT '[1]'", ()) == [1]


def test_a_write_finds_a_connection_that_was_hung_up_and_takes_another() -> None:
    prepared.send(COUNT, [])
    _break()
    assert sql.write([sql.Insert("clients_revokedtoken", {"jti": "a", "expires": NOW})])
    assert prepared.send(COUNT, []) == "1"


@pytest.mark.parametrize("max_age", [0, 3600])
@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_no_request_fails_because_the_database_was_restarted(
    world: None, settings: Any, monkeypatch: pytest.MonkeyPatch, max_age: int, token_format: str
) -> None:
    settings.IDP_FACTS_MAX_AGE = max_age
    monkeypatch.setattr(cache, "_shared", cache.Snapshot(None, float("-inf")))  # else others would believe it for hours
    Client.objects.filter(client_id="service").update(access_token_format=token_format)
    for _ in range(4):
        Project.objects.update(name="Changed")  # so that facts are loaded anew where changes are looked for
        prepared.send(COUNT, [])
        _break()
        assert App("service").token(grant_type="client_credentials").status_code == 200
        connection.close()  # a JWT from memory needs none


def test_what_the_server_says_unasked_is_no_reason_for_another_connection() -> None:
    prepared.send(COUNT, [])
    connection.connection.execute("LISTEN gossip")
    pid = connection.connection.info.backend_pid
    with _another() as other:
        other.execute("NOTIFY gossip, 'x'")
    assert sql.write([sql.Insert("clients_revokedtoken", {"jti": "a", "expires": NOW})])
    assert connection.connection.info.backend_pid == pid


def test_a_write_that_broke_on_the_way_is_not_sent_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "_dropped_by_server", lambda _pgconn: False)  # not yet
    prepared.send(COUNT, [])
    _break()
    with pytest.raises(OperationalError):
        sql.write([sql.Insert("clients_revokedtoken", {"jti": "a", "expires": NOW})])
    connection.close_if_unusable_or_obsolete()
    assert prepared.send(COUNT, []) == "0"


def test_a_read_in_a_transaction_does_not_go_on_without_it() -> None:
    @transaction.atomic
    def broken_in_the_middle() -> None:
        prepared.send(INSERT, ["a", NOW])
        _break()
        sql.read("SELECT '[1]'", ())

    with pytest.raises(OperationalError):
        broken_in_the_middle()
    assert prepared.send(COUNT, []) == "0"


def _another() -> psycopg.Connection[TupleRow]:
    """A session beside Django's own; `dsn` leaves out the password."""
    info = connection.connection.info
    return psycopg.connect(info.dsn, password=info.password, autocommit=True)


def _break() -> None:
    """As a restart of the server does."""
    pid = connection.connection.info.backend_pid
    with _another() as other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])


def test_after_a_failover_to_a_server_that_only_reads_another_one_is_looked_for(world: None) -> None:
    App("service").token(grant_type="client_credentials")
    only_reads = connection.connection
    only_reads.execute("SET default_transaction_read_only = on")
    try:
        answer = App("service").token(grant_type="client_credentials")
        assert only_reads.closed, "it was given up"
    finally:
        connection.close()
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert App("service").token(grant_type="client_credentials").status_code == 200
