"""How the statements of `provider.store.statements` reach the database: prepared, on Django's own connection.

Only this module knows which database it is. PostgreSQL takes a write with everything that belongs to it as one
statement, and so as one commit. SQLite takes one statement after the other in a transaction. The result is the same.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

import orjson
from django.db import IntegrityError, OperationalError, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.errors import ForeignKeyViolation

from common import prepared
from common.connection import connection

Row: TypeAlias = list[Any]  # as `array` wrote its columns
Value: TypeAlias = str | bytes | float | datetime | uuid.UUID | None  # a float may be an int or a bool


@dataclass(frozen=True, slots=True)
class Insert:
    """A row to insert. JSON is given as text, everything else as Python values."""

    table: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Guard:
    """An UPDATE that finds its row only while the rest may be written. `%s` stands for a value."""

    update: str
    values: tuple[Value, ...]


def read(statement: str, values: tuple[Value, ...]) -> Row | None:
    """The row of a SELECT that returns at most one, in the form that `array` gives it."""
    if connection().vendor != "postgresql":
        row = _sqlite(statement, values).fetchone()
        text = row[0] if row is not None else None
    else:
        text = _read_prepared(statement, values)
    return orjson.loads(text) if text is not None else None


def change(statement: str, values: tuple[Value, ...]) -> Row | None:
    """The row that an UPDATE with RETURNING changed, in the form that `array` gives it; None: it found none."""
    if connection().vendor != "postgresql":
        rows = _sqlite(statement, values).fetchall()  # to the end: only then it is written
        text = rows[0][0] if rows else None
    else:
        prepared.close_if_dropped()  # it is not sent twice
        text = prepared.send(statement, values)
    return orjson.loads(text) if text is not None else None


def write(inserts: Sequence[Insert], guard: Guard | None = None) -> bool:
    """Insert these rows, all or none; with a guard, only if the guard finds its row. Returns whether it did."""
    if connection().vendor != "postgresql":
        return _write_one_by_one(inserts, guard)
    if guard is None and not inserts:
        return True
    statement = _one_statement(guard.update if guard else "", tuple([(one.table, *one.values) for one in inserts]))
    values = [*guard.values] if guard else []
    for one in inserts:
        values += one.values.values()
    prepared.close_if_dropped()
    done = prepared.send(statement, values)
    return guard is None or done == "1"


def refers_to_nothing(error: IntegrityError) -> bool:
    """Whether a row that it refers to is deleted. Anything else is wrong with the table, or with us."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.IntegrityError):
        return cause.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return isinstance(cause, ForeignKeyViolation)


def changes(statement: str, values: tuple[Value, ...]) -> bool:
    """Whether this write changed a row. It says `RETURNING 1`."""
    if connection().vendor != "postgresql":
        return _sqlite(statement, values).fetchone() is not None
    prepared.close_if_dropped()
    return prepared.send(statement, values) is not None


# --- PostgreSQL ----------------------------------------------------------------------------------------------------


def _read_prepared(statement: str, values: tuple[Value, ...]) -> str | None:
    try:
        return prepared.send(statement, values)
    except OperationalError:
        if connection().in_atomic_block or not _connection_is_broken():
            raise
    connection().close()  # it broke while it was idle, which is no reason to fail
    return prepared.send(statement, values)


def _connection_is_broken() -> bool:
    return connection().connection is None or connection().connection.closed


@lru_cache(maxsize=64)
def _one_statement(guard: str, rows: tuple[tuple[str, ...], ...]) -> str:
    """Each row is a table and its columns."""
    if not guard:
        inserts = [_insert(table, columns) for table, *columns in rows]
        before = ", ".join(f"kept{number} AS ({insert})" for number, insert in enumerate(inserts[:-1]))
        return f"WITH {before} {inserts[-1]}" if before else inserts[-1]
    inserts = [_insert(table, columns, "SELECT {} FROM allowed") for table, *columns in rows]
    parts = [f"allowed AS ({guard} RETURNING 1)", *(f"kept{i} AS ({insert})" for i, insert in enumerate(inserts))]
    return f"WITH {', '.join(parts)} SELECT count(*) FROM allowed"  # noqa: S608 - names of ours


def _insert(table: str, columns: Sequence[str], values: str = "VALUES ({})") -> str:
    placeholders = values.format(", ".join(["%s"] * len(columns)))
    return f"INSERT INTO {table} ({', '.join(columns)}) {placeholders}"


# --- SQLite --------------------------------------------------------------------------------------------------------


def _write_one_by_one(inserts: Sequence[Insert], guard: Guard | None) -> bool:
    with transaction.atomic():
        if guard is not None and _sqlite(guard.update, guard.values).rowcount != 1:
            return False
        for one in inserts:
            _sqlite(_insert(one.table, list(one.values)), tuple(one.values.values()))
    return True


def _sqlite(statement: str, values: tuple[Value, ...]) -> CursorWrapper:
    cursor = connection().cursor()
    cursor.execute(statement, [_for_sqlite(value) for value in values])
    return cursor


def _for_sqlite(value: Value) -> str | bytes | float | None:
    if isinstance(value, datetime):
        return connection().ops.adapt_datetimefield_value(value)
    return value.hex if isinstance(value, uuid.UUID) else value


def skip_locked() -> str:
    """What a SELECT says that leaves rows of others alone. On SQLite there is one writer at a time."""
    return "FOR UPDATE SKIP LOCKED" if connection().vendor == "postgresql" else ""


# --- The clock of the database: what several nodes compare is its time, never one of theirs ---------------------------


def clock() -> str:
    """The expression of this moment."""
    return (
        "statement_timestamp()" if connection().vendor == "postgresql" else "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"
    )


def seconds_since(column: str, vendor: str) -> str:
    """The expression of how long ago that was."""
    if vendor == "postgresql":
        return f"extract(epoch FROM statement_timestamp() - {column})"
    return f"(julianday('now') - julianday({column})) * 86400"


# --- Values, as either database gives them ---------------------------------------------------------------------------


def array(columns: Sequence[str], json: Collection[str], vendor: str) -> str:
    """These columns as one text, a JSON array. The columns in `json` are JSON already.

    Parsing forty columns one by one costs more than all other reading of a request.
    """
    if vendor == "postgresql":
        return f"json_build_array({', '.join(columns)})"
    return f"json_array({', '.join(f'json({one})' if one in json else one for one in columns)})"


def known(value: datetime | str) -> datetime:
    """A time. SQLite knows no time zones: what is kept there is UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def moment(value: datetime | str | None) -> datetime | None:
    """A time that may be missing."""
    return known(value) if value is not None else None


def hyphenated(value: str | None) -> str | None:
    """The text of a UUID. SQLite keeps 32 digits."""
    if value is None or len(value) != 32:
        return value
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
