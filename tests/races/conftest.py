"""Several server processes on one PostgreSQL database, and many requests at the same moment."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from clients.models import Client
from tests.world import SECRETS

# More rounds find rarer races: VESTIBULE_RACE_ROUNDS=200 pytest tests/races
ROUNDS = int(os.environ.get("VESTIBULE_RACE_ROUNDS", "25"))
STARTS_WITHIN = 30  # seconds


def database_url() -> str:
    """Of the database this test run made."""
    of = connection.settings_dict
    login = quote(of["USER"], safe="") + (f":{quote(of['PASSWORD'], safe='')}" if of["PASSWORD"] else "")
    return f"postgres://{login}@{of['HOST'] or '127.0.0.1'}:{of['PORT'] or 5432}/{quote(of['NAME'], safe='')}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Servers(str):
    """The address of several server processes, and the one that started them."""

    process: subprocess.Popen[bytes]


@pytest.fixture
def servers(transactional_db: None, world: None) -> Iterator[Servers]:
    """Three server processes with three threads each; they end with the test."""
    _generated_secrets()
    port = _free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "IDP_ISSUER": f"http://localhost:{port}",
        "SECRET_KEY": settings.SECRET_KEY,
        "IDP_KEY_SECRETS": ",".join(settings.IDP_KEY_SECRETS),
        "DJANGO_SETTINGS_MODULE": "idp.settings",
        "LOG_LEVEL": "ERROR",
    }
    code = f"from idp.server import serve; serve(port={port}, workers=3, blocking_threads=3, workers_kill_timeout=2)"
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=settings.BASE_DIR)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz/ready", process)
        address = Servers(f"http://127.0.0.1:{port}")
        address.process = process
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _generated_secrets() -> None:
    """Chosen secrets are hashed by the tests' own quick hasher, which servers rightly do not know."""
    for client in Client.objects.filter(client_id__in=SECRETS):
        digest = "sha256$" + hashlib.sha256(SECRETS[client.client_id].encode()).hexdigest()
        client.secrets.update(digest=digest)


def _wait_for(address: str, process: subprocess.Popen[Any]) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        assert process.poll() is None, "the servers did not start"
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the servers did not get ready")
