"""The server itself, with the application and its database."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from clients.models import RefusedRequest
from tests.world import basic

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


def refused(servers: str) -> str:
    """The id of a request with a wrong secret."""
    headers = {"Authorization": basic("web", "wrong"), "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"{servers}/oauth2/revoke", b"token=x", headers)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=20)
    with error.value as answer:
        return str(answer.headers["X-Request-Id"])


def test_refusals_of_several_processes_at_once_are_one_row(servers: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(refused, [servers] * 24))
    until = time.monotonic() + 15
    while sum(RefusedRequest.objects.values_list("count", flat=True)) < 24 and time.monotonic() < until:
        time.sleep(0.2)
    rows = RefusedRequest.objects.filter(client_id="web", endpoint="revoke")
    assert sum(row.count for row in rows) == 24
    assert len(rows) <= 2 * 2, "two kinds (wrong, too many), and an hour may end meanwhile"
    assert ids == {one for row in rows for one in row.request_ids.split()}
