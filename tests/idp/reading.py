"""A database that refuses every write, as a standby does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def only_reading() -> Iterator[None]:
    """PostgreSQL forgets it with the transaction of the test."""
    if connection.vendor == "postgresql":
        connection.check_constraints()  # now, as the end of the test could not
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield
        return
    connection.ensure_connection()
    connection.connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        connection.connection.execute("PRAGMA query_only = OFF")
