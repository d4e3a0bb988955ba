"""Connections to PostgreSQL are kept between requests; one that broke meanwhile is replaced before it is used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from tests.clients.endpoints.raw import Answer, Rubbish, send

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("world")]
PATHS = ["/.well-known/jwks.json", "/healthz/ready", "/accounts/login/"]


@pytest.fixture
def kept() -> Iterator[None]:
    """Between requests as a server leaves it: connected, and nobody looked at the connection since."""
    connection.close()
    assert get(PATHS[0]).status == 200
    yield
    connection.close()


def get(path: str) -> Answer:
    """As a server calls it: connections are looked after before and after the request."""
    return send("GET", path, Rubbish("nothing"))


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def terminate(pid: int) -> None:
    """From another connection, as an operator or a restart of the server would."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            assert cursor.fetchone() == (True,)
    finally:
        other.close()


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
