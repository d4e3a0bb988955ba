"""Databases of SQLite that have all tables and no rows yet begin as a copy: migrating one takes seven seconds.

The copy is kept under the contents of all that migrations run, so that one of other code is never taken. `migrate`
comes after it as ever, and finds nothing left to do. `python -m tests.migrated` makes it ahead.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import django
from django.apps import apps

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".pytest_cache" / "migrated"
GIVEN = "VESTIBULE_TABLES"  # the database that .ci/previous.py made
LAYERS = ("common", "accounts", "projects", "clients")  # those that migrations import


@contextmanager
def migrated() -> Iterator[Path]:
    """A database file to copy from; nobody replaces it meanwhile. `VESTIBULE_TABLES`: one of other code."""
    if GIVEN in os.environ:
        yield Path(os.environ[GIVEN])
        return
    wanted = CACHE / f"{digest()}.sqlite3"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.exists():
            for old in CACHE.glob("*.sqlite3"):
                old.unlink()
            _migrate(wanted.with_suffix(".new")).replace(wanted)
        yield wanted


def copy(into: str) -> None:
    with migrated() as path, closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(into)) as target:
        source.backup(target)


def _migrate(path: Path) -> Path:
    path.unlink(missing_ok=True)
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
    environment |= {"DATABASE_URL": f"sqlite:///{path}", "IDP_ISSUER": "http://localhost:8000"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return path


def digest() -> str:
    seen = hashlib.sha256(f"{django.__version__} {sqlite3.sqlite_version}".encode())
    ours = [path for layer in LAYERS for path in (ROOT / layer).rglob("*.py")]
    theirs = [path for app in apps.get_app_configs() for path in Path(app.path, "migrations").rglob("*.py")]
    for path in sorted({*ours, *theirs}):
        seen.update(f"{path}\0".encode() + path.read_bytes() + b"\0")
    return seen.hexdigest()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
    django.setup()
    with migrated():
        pass
