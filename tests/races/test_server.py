"""The server itself, with the application and its database."""

from __future__ import annotations

import urllib.request

import pytest
from django.db import connection

pytestmark = [pytest.mark.postgresql]


def status(address: str) -> int:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return int(answer.status)


def test_connections_to_the_database_that_broke_are_replaced(servers: str) -> None:
    ready = f"{servers}/healthz/ready"
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    for _ in range(12):
        assert status(ready) == 200
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE {others}")  # noqa: S608
        assert cursor.fetchone()[0] > 0
    for _ in range(12):
        assert status(ready) == 200
