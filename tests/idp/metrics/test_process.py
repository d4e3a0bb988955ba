"""The listener beside a server: it answers for its workers, elsewhere, and ends with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

from idp.metrics import counting
from tests.installation import free_port
from tests.migrated import copy

pytestmark = pytest.mark.any_database
SECRET = "of-no-installation-that-there-is-anywhere"


def within(seconds: float, holds: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def asked(address: str, form: bytes | None = None) -> str:
    try:
        with urllib.request.urlopen(address, form, timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError:
        return ""


def children(above: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ends just now
            if int(stat.read_text().rpartition(")")[2].split()[1]) == above:
                found.append(int(stat.parent.name))
    return found


def started(folder: Path, port: int, metrics: int) -> subprocess.Popen[str]:
    own = {
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "IDP_ISSUER": f"http://localhost:{port}",
        "IDP_METRICS_LISTEN": str(metrics),
        "TMPDIR": str(folder),
        **dict.fromkeys(("SECRET_KEY", "IDP_KEY_SECRETS"), SECRET),
    }
    server = [sys.executable, "-m", "idp.server", "--port", str(port), "--workers", "2", "--quiet"]
    environment = {**os.environ, **own}
    return subprocess.Popen(server, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE, text=True)


def test_what_all_workers_answer_is_told_at_another_address(tmp_path: Path) -> None:
    port, metrics = free_port(), free_port()
    copy(str(tmp_path / "db.sqlite3"))
    public, numbers = f"http://localhost:{port}", f"http://127.0.0.1:{metrics}/metrics"
    refused = 'vestibule_requests_total{endpoint="token",error="invalid_request",grant="",project="",status="400"}'
    with started(tmp_path, port, metrics) as server:
        try:
            within(60, lambda: "live" in asked(f"{public}/healthz/live"))
            assert [asked(f"{public}/oauth2/token", b"grant_type=") for _each in range(12)] == ["400"] * 12
            within(10, lambda: f"{refused} 12.0" in asked(numbers))
            assert "vestibule_database_up 1.0" in asked(numbers)
            assert asked(f"{public}/metrics") == "404"
            [listener] = [one for child in children(server.pid) for one in children(child)]
            os.kill(listener, signal.SIGKILL)
            within(10, lambda: f"{refused} 12.0" in asked(numbers))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(40)
    within(10, lambda: not asked(numbers))
    assert not list(tmp_path.glob("vestibule-metrics-*"))


def test_an_address_that_cannot_be_had_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert counting.BUCKETS, "the library is loaded: this process writes no files"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    process = import_module("idp.metrics.process")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=r"IDP_METRICS_LISTEN cannot be listened on \(Address already in use\)\."):
            process.start("127.0.0.1", port, port + 1)
        with pytest.raises(SystemExit, match=f"needs a port of its own: choose another one than {port}"):
            process.start("127.0.0.1", port, port + 1)
    with pytest.raises(SystemExit, match="where the server itself listens"):
        process.start("127.0.0.1", port, port)


def test_a_directory_of_ones_own_is_made_and_emptied_of_what_was_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert counting.BUCKETS, "the library is loaded: this process writes no files"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    process = import_module("idp.metrics.process")
    folder = tmp_path / "a" / "b"
    process._empty(folder)
    for name in ("counter_7.db", "histogram_12.db", "counter_of_somebody.db", "app.db"):
        (folder / name).touch()
    process._empty(folder)
    assert {one.name for one in folder.iterdir()} == {"counter_of_somebody.db", "app.db"}


def test_a_directory_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert counting.BUCKETS, "the library is loaded: this process writes no files"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    process = import_module("idp.metrics.process")
    (tmp_path / "file").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "file" / "below"))
    with pytest.raises(SystemExit, match=r"PROMETHEUS_MULTIPROC_DIR names a directory that cannot be used \(Not a dir"):
        process.start("127.0.0.1", 0, 1)
