"""No number of a row is another's, a count, or in a text.

On an empty SQLite every table counts from 1: a test that takes the number of one row for that of another passes there.
On a PostgreSQL where much was made before, a key may be 1000 like a number in a form, and a test fails for it. So on
PostgreSQL tables count from places far apart, the same in each run: keys have seven digits or more, and those of two
tables differ. `--numbers-from SEED` puts tables elsewhere, on SQLite too; `--numbers-from small` makes keys of all
tables below 1010, at random.

`--backwards` asks SQLite for rows that nobody orders in the reverse of the usual order: who needs one has to say so.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.backends.signals import connection_created

STEP = 7_654_321  # from one table to the next; keys of two hundred tables stay below what 32 bits hold
WITHIN = 987_654
SMALL = 1010


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--numbers-from", default="", help="a seed for where the keys of each table begin, or `small`")
    parser.addoption("--backwards", action="store_true", help="rows of SQLite without an order come the other way")


def begins(tables: list[str], seed: str) -> dict[str, int]:
    """What the first row of each gets; the next ones count on."""
    chance = random.Random(seed)
    order = sorted(tables)
    chance.shuffle(order)
    if seed.startswith("small"):
        return {table: chance.randrange(1, SMALL) for table in order}
    return {table: place * STEP + chance.randrange(WITHIN) for place, table in enumerate(order, start=1)}


def number_apart(seed: str) -> None:
    models = [one for one in apps.get_models(include_auto_created=True) if one._meta.managed and not one._meta.proxy]
    columns = {one._meta.db_table: one._meta.auto_field.column for one in models if one._meta.auto_field is not None}
    firsts = begins(list(columns), seed)
    with connection.cursor() as cursor:
        for table, column in columns.items():
            if connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, firsts[table] - 1])
            else:
                values = [f'"{table}"', column, firsts[table]]
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s, false)", values)


def turn_around(connection: Any, **_signal: object) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA reverse_unordered_selects = ON")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any, request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--numbers-from")
    with django_db_blocker.unblock():
        if request.config.getoption("--backwards"):
            connection_created.connect(turn_around)
            turn_around(connection)
        if seed or connection.vendor != "sqlite":
            number_apart(seed)
