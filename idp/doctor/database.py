"""The database: reachable, of this version, taking writes, with the same time, and with room for connections."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection

from common.schema import missing_migrations, only_reads
from common.unreleased import is_unreleased, start_anew
from idp.doctor import Finding, failed, ok, warning

SLOW = 0.05  # seconds for the smallest statement: every request has several
CROWDED = 0.8  # of the connections there may be
SKEW, FAR_OFF = timedelta(seconds=1), timedelta(seconds=5)


def reachable() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        began = time.monotonic()
        cursor.execute("SELECT 1")
        took = time.monotonic() - began
    name = ".".join(map(str, connection.get_database_version()))
    said = f"{connection.display_name} {name} answers in {took * 1000:.1f} ms"
    yield (
        warning(f"{said}.", "Move them closer together: every request asks several times.") if took > SLOW else ok(said)
    )
    if only_reads(connection):
        yield failed("It takes no writes: nobody can sign in.", "Point DATABASE_URL at the server that takes writes.")


def schema() -> Iterator[Finding]:
    if is_unreleased(connection):
        yield failed("It was made before the first release.", start_anew(connection))
    elif missing := missing_migrations(connection):
        yield failed(f"It lacks tables of this version ({len(missing)} migrations).", "Run 'manage.py migrate'.")
    else:
        yield ok("the tables are those of this version")


def clock() -> Iterator[Finding]:
    """A token is issued by one machine and looked at by another."""
    if connection.vendor != "postgresql":
        yield ok("the database is on this machine")
        return
    began = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    off = theirs - (began + (datetime.now(UTC) - began) / 2)
    said = f"this machine and the database differ by {abs(off.total_seconds()):.2f} s"
    if abs(off) > FAR_OFF:
        yield failed(f"{said}.", "Let NTP set both clocks.")
    elif abs(off) > SKEW:
        yield warning(f"{said}.", "Let NTP set both clocks.")
    else:
        yield ok(said)


def connections() -> Iterator[Finding]:
    """Isolation that our locks and retries are made for, and room for every thread of every server."""
    if connection.vendor != "postgresql":
        yield ok("a file, which each process opens for itself")
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        isolation = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        used = cursor.fetchone()[0]
        cursor.execute("SHOW max_connections")
        most = int(cursor.fetchone()[0])
    if isolation != "read committed":
        remedy = "Set default_transaction_isolation of the role to 'read committed'."
        yield failed(f"Transactions are {isolation}, so requests fail that should wait.", remedy)
    said = f"{used} of {most} connections are in use"
    if used > CROWDED * most:
        yield warning(f"{said}.", "Raise max_connections, or use fewer workers and threads.")
    else:
        yield ok(said)
