"""Run a command with DATABASE_URL naming PostgreSQL databases that are this run's alone.

    python .ci/postgres.py COMMAND ...      python .ci/postgres.py --check

The server is the one VESTIBULE_TEST_POSTGRES names, else the one on 127.0.0.1:5432 if it lets `postgres` in,
else a private one started for this run. Where the server allows it, the command gets a role of its own that is no
superuser, as in production. Role, databases and private server are gone afterwards; nothing else is touched.
`--check` says what would be used and exits 1 when there is none.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

USUAL = "postgres://postgres@127.0.0.1:5432/postgres"


def answering() -> str | None:
    """The address of a server that lets us in; one that was named but does not is an error, not a reason to look on."""
    named = os.environ.get("VESTIBULE_TEST_POSTGRES")
    try:
        with psycopg.connect(named or USUAL, connect_timeout=5):
            return named or USUAL
    except psycopg.OperationalError as error:
        if named:
            sys.exit(f"VESTIBULE_TEST_POSTGRES names a PostgreSQL server that does not let us in: {error}")
        return None


def programs() -> Path | None:
    """Where initdb and pg_ctl are: on the PATH, or where Debian keeps them."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextlib.contextmanager
def private_server(directory: Path, *, durable: bool = False) -> Iterator[str]:
    """A server of our own on a free loopback port, behind a random password; without fsync unless `durable`."""
    root = os.geteuid() == 0  # PostgreSQL refuses to run as root
    become = ["runuser", "-u", "postgres", "--"] if root else []
    with tempfile.TemporaryDirectory(prefix="vestibule-postgres-") as home:
        password = secrets.token_hex(16)
        password_file = Path(home, "password")
        password_file.write_text(password)
        if root:
            shutil.chown(home, "postgres")
            shutil.chown(password_file, "postgres")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        data = str(Path(home, "data"))

        def pg(program: str, *arguments: str) -> None:
            command = [*become, str(directory / program), "-D", data, *arguments]
            subprocess.run(command, cwd=home, check=True, stdout=subprocess.DEVNULL)

        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        if not durable:
            options += " -c fsync=off -c full_page_writes=off"
        login = ["-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password_file}"]
        pg("initdb", *login, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        pg("pg_ctl", "-w", "-s", "-l", str(Path(home, "log")), "-o", options, "start")
        try:
            yield f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"
        finally:
            pg("pg_ctl", "-w", "-s", "-m", "fast", "stop")


@contextlib.contextmanager
def own_databases(server: str, *, durable: bool = True) -> Iterator[str]:
    """The server's address with a database name and, where allowed, a role that no other run has.

    Unless `durable`, that role does not wait for the disk: what is committed is seen as ever, but a crash may lose it.
    """
    name = f"vestibule_{secrets.token_hex(4)}"
    address = {key: str(value) for key, value in conninfo_to_dict(server).items()}
    with psycopg.connect(server, autocommit=True) as connection:
        may_create_roles = connection.execute(
            "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone() == (True,)
        user, password = address.get("user", ""), address.get("password", "")
        if may_create_roles:
            user, password = name, secrets.token_hex(16)
            connection.execute(
                sql.SQL("create role {} login createdb password {}").format(sql.Identifier(name), sql.Literal(password))
            )
            if not durable:
                connection.execute(sql.SQL("alter role {} set synchronous_commit = off").format(sql.Identifier(name)))
    try:
        login = f"{user}:{password}" if password else user
        yield f"postgres://{login}@{address.get('host', '127.0.0.1')}:{address.get('port', '5432')}/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            drop(connection, name, may_create_roles)


def drop(connection: psycopg.Connection[TupleRow], name: str, with_role: bool) -> None:
    """What a finished run has usually dropped itself, and an interrupted one has not."""
    left = connection.execute("select datname from pg_database where starts_with(datname, %s)", [f"test_{name}"])
    for (database,) in left.fetchall():
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))
    if with_role:
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def main(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        server, directory = answering(), programs()
        if command == ["--check"]:
            print("a server that answers" if server else "a private server" if directory else "none")
            return 0 if server or directory else 1
        if not server:
            if not directory:
                sys.exit("No PostgreSQL answers on 127.0.0.1:5432 and none is installed.")
            server = stack.enter_context(private_server(directory))
        url = stack.enter_context(own_databases(server, durable=False))
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
