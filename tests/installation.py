"""An installation of its own in processes of its own: other settings than those of the tests, and nothing shared."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.migrated import copy
from tests.world import WORLD

ROOT = Path(__file__).parent.parent
KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
STARTS_WITHIN = 120  # seconds, on a machine that does much else
ADMIN_PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Installation:
    issuer: str
    origin: str
    mails: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        """What `manage.py` answers."""
        asked = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(asked, cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def installation(folder: Path, path: str, more: str = "") -> Iterator[Installation]:
    """The world of tests/world.py below a path, and what `more` says of it."""
    port = free_port()
    made = prepared(folder, f"http://localhost:{port}", path, more)
    with serving(made, port):
        yield made


def prepared(folder: Path, origin: str, path: str, more: str = "", **settings: str) -> Installation:
    """Its database and its environment; nothing serves it yet."""
    mails = folder / "mails"
    environment = {
        **{name: value for name, value in os.environ.items() if name in KEPT},
        "IDP_ISSUER": origin + path,
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "EMAIL_URL": f"filemail:///{mails}",
        "ADMIN_PASSWORD": ADMIN_PASSWORD,
        "LOG_LEVEL": "ERROR",
        **settings,
    }
    made = Installation(origin + path, origin, mails, environment)
    copy(str(folder / "db.sqlite3"))
    made.command("quickstart", "--no-demo")
    for number, text in enumerate(filter(None, (WORLD, more))):
        (folder / f"{number}.yaml").write_text(text)
        made.command("applyconfig", str(folder / f"{number}.yaml"))
    return made


@contextmanager
def serving(made: Installation, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """One of its nodes, until it is left."""
    server = [sys.executable, "-m", "idp.server", "--port", str(port), "--workers", "1", "--quiet"]
    process = subprocess.Popen(server, cwd=ROOT, env=made.environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz/ready", process)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=40)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not start")
