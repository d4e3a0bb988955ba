"""Vestibule on other application servers: the same code and data, to see what the server itself costs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.peers.base import CACHE, PYTHON
from tests.benchmarks.peers.vestibule import Command, Vestibule

REQUIREMENTS = Path(__file__).with_name("servers.txt")


def installed() -> Path:
    """An environment with these servers that sees the project's packages and leaves its environment as it is."""
    place = CACHE / "servers"
    stamp = place / "installed"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
        ours = next(path for path in sys.path if path.endswith("site-packages"))
        theirs = next((place / "lib").glob("python*/site-packages"))
        (theirs / "vestibule.pth").write_text(ours + "\n")
        stamp.write_bytes(REQUIREMENTS.read_bytes())
    return place / "bin"


def _gunicorn(port: int, workers: int) -> list[str]:
    command = [
        PYTHON,
        "-m",
        "gunicorn",
        "idp.wsgi:application",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        str(workers),
    ]
    return [*command, "--log-level", "error", "--no-control-socket"]


def _sync(port: int, workers: int) -> list[str]:
    return [*_gunicorn(port, workers), "--worker-class", "sync"]


def _gthread(port: int, workers: int) -> list[str]:
    return [*_gunicorn(port, workers), "--worker-class", "gthread", "--threads", "2", "--keep-alive", "75"]


def _uwsgi(port: int, workers: int) -> list[str]:
    command = [str(installed() / "uwsgi"), "--http11-socket", f"127.0.0.1:{port}", "--processes", str(workers)]
    place = ["--virtualenv", str(installed().parent), "--module", "idp.wsgi:application", "--add-header"]
    return [*command, *place, "Connection: Keep-Alive", "--master", "--die-on-term", "--disable-logging", "--lazy-apps"]


COMMANDS: dict[str, tuple[str, Command]] = {
    "sync": ("gunicorn sync", _sync),
    "gthread": ("gunicorn gthread", _gthread),
    "uwsgi": ("uWSGI", _uwsgi),
}


def _variant(name: str) -> Callable[[], Vestibule]:
    title, command = COMMANDS[name]
    return lambda: Vestibule(f"vestibule-{name}", f"Vestibule, {title}", command=command)


VARIANTS = {name: _variant(name) for name in COMMANDS}
