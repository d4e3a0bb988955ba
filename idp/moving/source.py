"""The database of another Django site, looked at and never changed: one connection, one moment.

PostgreSQL and SQLite. Tables are known by their names; where a site swapped one, by what refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.utils import load_backend

from common.command import Refused, wrong_use
from idp.neighbours import database_of

Value: TypeAlias = str | int | float | bytes | datetime | UUID | bool | None
Record: TypeAlias = dict[str, Value]
ALIAS = "another-site"
PIECE = 1000  # rows fetched at once
_HEX = re.compile(r"[0-9a-f]{32}")
DEFAULTS: dict[str, object] = {
    "TIME_ZONE": None,
    "CONN_HEALTH_CHECKS": False,
    "CONN_MAX_AGE": 0,
    "AUTOCOMMIT": True,
    "ATOMIC_REQUESTS": False,
    "TEST": {},
}


@dataclass(frozen=True, slots=True)
class Source:
    connection: BaseDatabaseWrapper
    tables: Mapping[str, tuple[str, ...]]  # and views, with their columns

    def has(self, table: str, *columns: str) -> bool:
        return table in self.tables and set(columns) <= set(self.tables[table])

    def refers(self, table: str, column: str) -> str:
        """The table that this column refers to, or an empty text."""
        with self.connection.cursor() as cursor:
            relations = self.connection.introspection.get_relations(cursor, table)
        return relations[column][1] if column in relations else ""

    def rows(self, table: str, columns: Sequence[str], where: str = "", *values: str | int) -> Iterator[Record]:
        """Those columns that there are, of all rows. `where`: SQL of ours, which names columns that there are."""
        quote = self.connection.ops.quote_name
        known = [name for name in columns if name in self.tables[table]]
        listed = ", ".join(map(quote, known))
        statement = f"SELECT {listed} FROM {quote(table)} {where} ORDER BY {quote(known[0])}"  # noqa: S608 - names that the database has
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            while piece := cursor.fetchmany(PIECE):
                for row in piece:
                    yield dict(zip(known, row, strict=True))

    def count(self, table: str, where: str = "") -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.connection.ops.quote_name(table)} {where}")  # noqa: S608 - as above
            return int(cursor.fetchone()[0])


@contextmanager
def looked_at(url: str) -> Iterator[Source]:
    """The database at this address, as it is now. Raises Refused."""
    connection = _connection(url)
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            else:
                cursor.execute("BEGIN")
            names = [one.name for one in connection.introspection.get_table_list(cursor)]
            tables = {name: _columns(connection, cursor, name) for name in names}
        yield Source(connection, tables)
    finally:
        connection.close()


def _columns(connection: BaseDatabaseWrapper, cursor: CursorWrapper, table: str) -> tuple[str, ...]:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} LIMIT 0")  # noqa: S608 - a name that the database has
    return tuple(column[0] for column in cursor.description)


def _connection(url: str) -> BaseDatabaseWrapper:
    if url.partition(":")[0] not in ("postgres", "postgresql", "sqlite"):
        raise wrong_use("--database takes postgres://user:password@host/name or sqlite:////path/to/db.sqlite3.")
    try:
        settings = {**DEFAULTS, **database_of(url)}
    except (ValueError, ImproperlyConfigured):
        raise wrong_use("--database is no address of a database. Percent-encode special characters.") from None
    settings.setdefault("OPTIONS", {})
    if settings["ENGINE"].endswith("sqlite3"):
        path = Path(str(settings["NAME"]))
        if not path.is_file():
            raise wrong_use(f"There is no database file {path}.")
        settings["NAME"] = f"{path.absolute().as_uri()}?mode=ro"
        settings["OPTIONS"] = {"uri": True}
    backend = load_backend(settings["ENGINE"])
    connection: BaseDatabaseWrapper = backend.DatabaseWrapper(settings, ALIAS)
    try:
        connection.ensure_connection()
    except Error as error:
        raise Refused(f"The other database cannot be opened: {str(error).strip()}") from None
    return connection


# --- Values, as either database gives them ---------------------------------------------------------------------------


def text(value: Value) -> str:
    return "" if value is None else str(value)


def flag(value: Value) -> bool:
    return bool(value)


def moment(value: Value) -> datetime | None:
    """SQLite keeps times as texts, in UTC."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(found, datetime):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def identity(value: Value) -> str:
    """A key as a text, the way Django says it: SQLite keeps a UUID as its 32 digits."""
    said = text(value)
    return str(UUID(said)) if isinstance(value, str) and _HEX.fullmatch(said) else said
