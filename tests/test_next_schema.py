"""This code runs on the tables of the version after it: it does so while that one is rolled out, or was taken back.

Every table has columns that this code does not know, and there are tables it does not know. `make previous` runs this
file of the previous release on the tables of the code at hand (.ci/previous.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from common.schema import missing_migrations
from tests import journey
from tests.world import App, Browser

NEW = {"new_and_empty": "text", "new_with_default": "text NOT NULL DEFAULT 'new'"}


def tables_now() -> list[str]:
    with connection.cursor() as cursor:
        return connection.introspection.table_names(cursor)


def grow(tables: list[str]) -> None:
    """Add what a migration may add (tests/expansion.py)."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for table in tables:
            for column, kind in NEW.items():
                cursor.execute(f"ALTER TABLE {quote(table)} ADD COLUMN {column} {kind}")
        cursor.execute("CREATE TABLE new_table (id integer PRIMARY KEY, note text NOT NULL)")
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('clients', '0999_next', '2030-01-01')"
        )


def shrink(tables: list[str]) -> None:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '0999_next'")
        cursor.execute("DROP TABLE IF EXISTS new_table")
        for table in tables:
            for column in NEW:
                cursor.execute(f"ALTER TABLE {quote(table)} DROP COLUMN IF EXISTS {column}")


@pytest.fixture
def grown(world: None) -> None:
    """Taken back with the transaction of the test."""
    connection.check_constraints()  # what waits for the end of the transaction would not let a table change
    tables = tables_now()
    assert len(tables) > 60
    grow(tables)


@pytest.mark.usefixtures("grown")
def test_everything_works_on_tables_that_are_a_version_ahead(tmp_path: Path) -> None:
    assert missing_migrations(connection) == []
    journey.everything(tmp_path)


@pytest.fixture
def tables(transactional_db: None, world: None) -> Iterator[list[str]]:
    """As they are now, and as they are left, however far a test gets."""
    there = tables_now()
    yield there
    shrink(there)


@pytest.mark.postgresql
def test_a_server_goes_on_while_its_tables_grow(tables: list[str]) -> None:
    """What it prepared on its connection is planned anew."""
    tokens = Browser("owner").tokens("web", scope=journey.SCOPE)
    journey.at_apps(tokens)
    grow(tables)
    journey.at_apps(tokens)
    assert App("web").introspect(Browser("owner").tokens("web")["access_token"]).json()["active"]
