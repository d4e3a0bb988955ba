"""PostgreSQL and Redis for one run: databases of our own, durable as in production, gone afterwards."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psycopg

from tests.benchmarks.processes import free_port, running, wait_for_port

ROOT = Path(__file__).parent.parent.parent


def _gate() -> ModuleType:
    """The gate's own ways to a PostgreSQL server: .ci/postgres.py."""
    spec = importlib.util.spec_from_file_location("ci_postgres", ROOT / ".ci" / "postgres.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def postgres(*, private: bool) -> Iterator[str]:
    """The address of a server: the one that answers, else (or when `private`) one of this run's, off the server's core.

    Either way a commit is on the disk before it is answered.
    """
    gate = _gate()
    server = None if private else gate.answering()
    if server:
        yield server
        return
    directory = gate.programs()
    if directory is None:
        raise SystemExit("No PostgreSQL answers and none is installed. On Debian: sudo apt-get install -y postgresql")
    with gate.private_server(directory, durable=True) as own:
        yield own


@contextlib.contextmanager
def database(server: str) -> Iterator[str]:
    """A database of our own on it, made and dropped, with a role that is no superuser."""
    with _gate().own_databases(server) as url:
        name = url.rpartition("/")[2]
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'create database "{name}" owner "{name}"')
        try:
            yield url
        finally:
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f'drop database if exists "{name}" with (force)')


def described(server: str) -> str:
    """Version and durability, as the results name them."""
    with psycopg.connect(server) as connection:
        names = ["server_version", "synchronous_commit", "fsync"]
        rows = connection.execute("select current_setting(name) from unnest(%s::text[]) as name", [names]).fetchall()
    version, commit, fsync = (str(value) for (value,) in rows)
    return f"{version.split()[0]} (synchronous_commit {commit}, fsync {fsync})"


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A private Redis that writes its log every second, as it does where it is meant to keep things."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vestibule-redis-") as home:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", home, "--save", "", "--appendonly", "yes"]
        command = ["setpriv", "--pdeathsig", "TERM", "redis-server", *options]
        with running(command, {}, Path(home), Path(home, "log")):
            wait_for_port(port)
            yield f"redis://127.0.0.1:{port}"
