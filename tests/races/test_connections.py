"""Connections to PostgreSQL are kept between requests; one that broke meanwhile is replaced before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection

from common import cache, prepared
from tests.provider.endpoints.raw import Answer, Rubbish, send
from tests.world import SECRETS, Browser, basic

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("world")]
PATHS = ["/.well-known/jwks.json", "/healthz/ready", "/accounts/login/"]


@pytest.fixture
def kept() -> Iterator[None]:
    """Between requests as a server leaves it: connected, and nobody looked at the connection since."""
    connection.close()
    assert get(PATHS[0]).status == 200
    yield
    connection.close()


def get(path: str, **extra: str) -> Answer:
    """As a server calls it: connections are looked after before and after the request."""
    return send("GET", path, Rubbish("nothing", extra=extra))


def post(path: str, client_id: str, **form: str) -> Answer:
    extra = {"HTTP_AUTHORIZATION": basic(client_id, SECRETS[client_id])}
    return send("POST", path, Rubbish("a form", body=urlencode(form).encode(), extra=extra))


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def elsewhere(statement: str, *values: int) -> None:
    """From another connection, as an operator, a migration or a restart of the server would."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(statement, values or None)
    finally:
        other.close()


def terminate(pid: int) -> None:
    elsewhere("SELECT 1 / pg_terminate_backend(%s, 5000)::int", pid)


def test_connections_are_kept_and_looked_at(kept: None) -> None:
    assert settings.DATABASES["default"]["CONN_MAX_AGE"] == 600
    assert settings.DATABASES["default"]["CONN_HEALTH_CHECKS"] is True
    first = backend()
    for path in PATHS:
        assert get(path).status == 200
    assert backend() == first


@pytest.mark.parametrize("path", PATHS)
def test_a_broken_one_is_replaced_before_the_next_request_uses_it(kept: None, path: str) -> None:
    for _ in range(3):
        broken = backend()
        assert get(path).status == 200
        terminate(broken)
        assert get(path).status == 200
        assert backend() != broken


# --- Between two looks at the version of the facts nobody asks whether the connection still works -------------------


@pytest.fixture
def warm(kept: None, settings: Any, monkeypatch: Any) -> Iterator[None]:
    """A process that has just looked, and goes on with what it knows."""
    monkeypatch.setattr(cache, "_shared", cache.Snapshot(None, float("-inf")))
    settings.IDP_FACTS_MAX_AGE = 3600
    assert post("/oauth2/token", "service", grant_type="client_credentials").status == 200
    yield
    settings.IDP_FACTS_MAX_AGE = 0


def test_a_read_that_meets_a_broken_one_is_answered_all_the_same(warm: None) -> None:
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {Browser('owner').tokens('web')['access_token']}"}
    for _ in range(3):
        assert get("/oauth2/userinfo", **bearer).status == 200
        broken = backend()
        terminate(broken)
        assert get("/oauth2/userinfo", **bearer).status == 200
        assert backend() != broken


def test_a_write_that_meets_a_broken_one_is_answered_all_the_same(warm: None) -> None:
    for _ in range(3):
        broken = backend()
        terminate(broken)
        assert post("/oauth2/token", "service", grant_type="client_credentials").status == 200
        assert backend() != broken


def test_a_write_whose_connection_breaks_meanwhile_may_be_tried_again_and_then_works(
    warm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows what became of a write whose answer never came: it is not sent twice."""
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "close_if_dropped", lambda: None)  # it broke after that
        terminate(backend())
        refused = post("/oauth2/token", "service", grant_type="client_credentials")
    assert (refused.status, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert post("/oauth2/token", "service", grant_type="client_credentials").status == 200


def test_a_database_that_only_reads_since_a_failover_is_looked_for_anew(warm: None) -> None:
    """The connection works as far as one can see, and would refuse every write for as long as it is kept."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    refused = post("/oauth2/token", "service", grant_type="client_credentials")
    assert (refused.status, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert post("/oauth2/token", "service", grant_type="client_credentials").status == 200


def test_a_migration_under_way_fails_no_read(warm: None) -> None:
    """A prepared statement whose answer would change is refused by the database, and prepared anew."""
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {Browser('owner').tokens('web')['access_token']}"}
    try:
        for kind in ("varchar(5000)", "text"):
            assert get("/oauth2/userinfo", **bearer).status == 200
            elsewhere(f"ALTER TABLE clients_accesstoken ALTER COLUMN scope TYPE {kind}")
            assert get("/oauth2/userinfo", **bearer).status == 200
    finally:
        elsewhere("ALTER TABLE clients_accesstoken ALTER COLUMN scope TYPE text")
