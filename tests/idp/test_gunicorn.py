"""The configuration gunicorn gets, at a small application that tells what it was asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config

from clients.endpoints.authorize import MAX_QUERY
from idp import gunicorn

ROOT = Path(__file__).parent.parent.parent
STARTS_WITHIN = 30  # seconds


def test_every_name_is_a_setting_gunicorn_knows_and_every_value_one_it_takes() -> None:
    config = Config()
    names = [name for name in vars(gunicorn) if not name.startswith("_") and name not in ("annotations", "os", "Path")]
    assert len(names) > 10
    for name in names:
        config.set(name, getattr(gunicorn, name))


def test_every_request_line_of_ours_fits() -> None:
    assert len("POST /oauth2/authorize/? HTTP/1.1\r\n") + MAX_QUERY < gunicorn.limit_request_line


@dataclass
class Server:
    port: int
    process: subprocess.Popen[bytes]
    path: Path  # of its Unix socket

    @contextlib.contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            yield connection

    def get(self, path: str, headers: dict[str, str] | None = None, *, over_socket: bool = False) -> tuple[int, bytes]:
        with self.connection() as connection:
            if over_socket:
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(str(self.path))
            connection.request("GET", path, headers=headers or {})
            with connection.getresponse() as response:
                return response.status, response.read()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "python:idp.gunicorn", "tests.idp.telling:application"]
    path = tmp_path / "socket"
    places = ["--bind", f"127.0.0.1:{port}", "--bind", f"unix:{path}"]
    options = [*places, "--workers", "1", "--log-level", "error"]
    process = subprocess.Popen([*command, *options], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        server = Server(port, process, path)
        _wait_for(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(server: Server) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and server.process.poll() is None:
        try:
            assert server.get("/")[0] == 200
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("gunicorn did not start")


def test_the_longest_authorization_request_gets_through_and_headers_are_not_believed(server: Server) -> None:
    query = "x" * MAX_QUERY
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on", "SCRIPT_NAME": "/elsewhere"}
    told: dict[str, Any] = json.loads(server.get(f"/oauth2/authorize/?{query}", headers)[1])
    assert told == {"query": MAX_QUERY, "scheme": "http", "script": "", "path": "/oauth2/authorize/"}
    assert json.loads(server.get("/", headers, over_socket=True)[1])["script"] == ""
    assert server.get("/?" + "x" * 9000)[0] == 414


def test_connections_are_kept_and_a_request_in_hand_is_finished_at_the_end(server: Server) -> None:
    with server.connection() as connection:
        connection.request("GET", "/")
        with connection.getresponse() as first:
            first.read()
            assert not first.will_close
        connection.putrequest("POST", "/slow")
        connection.putheader("Content-Length", "4")
        connection.endheaders()
        with connection.getresponse() as answer:
            assert answer.read(5) == b"begun"
            server.process.send_signal(signal.SIGTERM)
            assert connection.sock is not None
            connection.sock.sendall(b"rest")
            assert answer.read() == b" and read rest"
    assert server.process.wait(timeout=20) == 0
