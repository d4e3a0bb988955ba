"""Rows that many tests begin with: made once per process, and from then on put back by plain INSERT statements.

Making them takes half a second and writing them through their models 30 ms, for thousands of tests; this takes 3 ms.
PostgreSQL gets all of them in one message: an answer to each statement would take as long as the statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

from clients.models import SecurityEvent
from idp.configuration import apply

APPS = ("accounts", "account", "projects", "clients")


@dataclass(frozen=True)
class Rows:
    """Of one table, as the database driver reads and takes them."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def without(self, other: Rows) -> Rows:
        return Rows(self.table, self.columns, [row for row in self.rows if row not in other.rows])

    def statement(self) -> tuple[str, list[Any]]:
        """What puts them back, and its parameters."""
        name = connection.ops.quote_name
        one = f"({', '.join(['%s'] * len(self.columns))})"
        into = f"INSERT INTO {name(self.table)} ({', '.join(map(name, self.columns))}) VALUES "  # noqa: S608
        return into + ", ".join([one] * len(self.rows)), [value for row in self.rows for value in row]


class Snapshot:
    """Calling it is like calling `make`: the same rows, down to their numbers."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._statements: list[tuple[str, list[Any] | None]] = []

    def __call__(self) -> None:
        if not self._statements:
            before = everything()
            self._make()
            made = [after.without(known) for after, known in zip(everything(), before, strict=True)]
            self._statements = in_one_message([one.statement() for one in made if one.rows])
            return
        # What PostgreSQL counts by went past the numbers of these rows when they were made, for good.
        with transaction.atomic(), connection.cursor() as cursor:  # references are checked at its end
            for statement, values in self._statements:
                cursor.execute(statement, values)


def in_one_message(statements: list[tuple[str, list[Any]]]) -> list[tuple[str, list[Any] | None]]:
    """For PostgreSQL, which takes several statements at once where their values stand in them."""
    if connection.vendor != "postgresql" or not statements:
        return [*statements]
    with connection.cursor() as cursor:
        return [(";\n".join(cursor.mogrify(text, values) for text, values in statements), None)]


def applied(text: str, path: str) -> None:
    """What a file says, and an empty log: what a test finds there happened in it."""
    apply(text, path=path)
    SecurityEvent.objects.all().delete()


def everything(*, without: tuple[type[Model], ...] = ()) -> list[Rows]:
    """Every row of our own tables."""
    models = [one for label in APPS for one in apps.get_app_config(label).get_models(include_auto_created=True)]
    return [_read(model._meta.db_table) for model in models if model not in without and not model._meta.proxy]


def _read(table: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  # a table of ours
        return Rows(table, tuple(column[0] for column in cursor.description), sorted(cursor.fetchall(), key=repr))
