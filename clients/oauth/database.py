"""How the statements of `clients.oauth.statements` reach the database: prepared, on Django's own connection.

The one place that knows which database it is. PostgreSQL takes a write with everything that belongs to it as a single
statement, and so as one commit; SQLite has no such statement and takes one after the other in a transaction. The
result is the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, cast

import psycopg
from django.db import NotSupportedError, OperationalError, connection, transaction

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """A row to keep: JSON as text, all else as Python has it."""

    table: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Guard:
    """An UPDATE that finds its row only while the rest may be written. `%s` stands for a value."""

    update: str
    values: tuple[Any, ...]


def read(statement: str, values: tuple[Any, ...]) -> Row | None:
    """The row of a SELECT that finds one at most."""
    if connection.vendor != "postgresql":
        return _sqlite(statement, values).fetchone()  # type: ignore[no-any-return]
    try:
        return _prepared(statement, values).fetchone()
    except (OperationalError, NotSupportedError) as error:
        # It broke while nobody used it, or a migration changed what the prepared statement answers: no reason to fail.
        if connection.in_atomic_block or not (_broken() or isinstance(error, NotSupportedError)):
            raise
    connection.close()
    return _prepared(statement, values).fetchone()


def write(inserts: Sequence[Insert], guard: Guard | None = None) -> bool:
    """Keep these rows, all or none; with a guard only if it finds its row. Whether it did."""
    if connection.vendor != "postgresql":
        return _write_one_by_one(inserts, guard)
    if guard is None and not inserts:
        return True
    statement = _one_statement(guard.update if guard else "", tuple((one.table, *one.values) for one in inserts))
    values = [*(guard.values if guard else ()), *(value for one in inserts for value in one.values.values())]
    done = _prepared(statement, tuple(values))
    return guard is None or done.fetchone() == (1,)


# --- PostgreSQL ----------------------------------------------------------------------------------------------------


def _prepared(statement: str, values: tuple[Any, ...]) -> psycopg.Cursor[Row]:
    if connection.connection is None:
        connection.ensure_connection()
    execute: Callable[..., psycopg.Cursor[Row]] = _execute
    for wrapper in reversed(connection.execute_wrappers):  # whoever watches Django's statements sees these too
        execute = partial(wrapper, execute)
    with connection.wrap_database_errors:
        return execute(statement, values, False, {"connection": connection, "cursor": None})


def _execute(statement: str, values: tuple[Any, ...], _many: bool, _context: Any) -> psycopg.Cursor[Row]:
    return psycopg.Cursor(connection.connection).execute(statement, values, prepare=True)


def _broken() -> bool:
    return connection.connection is None or connection.connection.closed


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
    marks = values.format(", ".join(["%s"] * len(columns)))
    return f"INSERT INTO {table} ({', '.join(columns)}) {marks}"


# --- SQLite --------------------------------------------------------------------------------------------------------


def _write_one_by_one(inserts: Sequence[Insert], guard: Guard | None) -> bool:
    with transaction.atomic():
        if guard is not None and _sqlite(guard.update, guard.values).rowcount != 1:
            return False
        for one in inserts:
            _sqlite(_insert(one.table, list(one.values)), tuple(one.values.values()))
    return True


def _sqlite(statement: str, values: tuple[Any, ...]) -> Any:
    cursor = connection.cursor()
    cursor.execute(statement, [_for_sqlite(value) for value in values])
    return cursor


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.hex if isinstance(value, uuid.UUID) else value


# --- Values, as either database gives them ---------------------------------------------------------------------------


def array(columns: Sequence[str], json: Collection[str], vendor: str) -> str:
    """These columns as one text, a JSON array; those in `json` are JSON already."""
    if vendor == "postgresql":
        return f"json_build_array({', '.join(columns)})::text"
    return f"json_array({', '.join(f'json({one})' if one in json else one for one in columns)})"


def moment(value: datetime | str | None) -> datetime | None:
    """A time. SQLite knows no time zones: what is kept there is UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def known(value: datetime) -> datetime:
    """A time that is never missing."""
    return cast("datetime", moment(value))


def identifier(value: str | None) -> uuid.UUID | None:
    return uuid.UUID(value) if value is not None else None
