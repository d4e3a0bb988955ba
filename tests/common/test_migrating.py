"""An index is made while the table is used, and made again where a run was interrupted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import BigAutoField, Index, TextField
from django.db.utils import NotSupportedError

from common.migrating import AddIndexWhileUsed

INDEX = Index(fields=["name"], name="shop_order_by_the_name")
STEP = AddIndexWhileUsed("order", INDEX)
ANOTHER = AddIndexWhileUsed("order", Index(fields=["name", "id"], name=f"{INDEX.name}_and_id"))  # it begins the same


def states() -> tuple[ProjectState, ProjectState]:
    before, after = ProjectState(), ProjectState()
    for one in (before, after):
        one.add_model(
            ModelState(
                "shop", "Order", [("id", BigAutoField(primary_key=True)), ("name", TextField())], {"indexes": []}
            )
        )
    STEP.state_forwards("shop", after)
    return before, after


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        return {
            name for name, one in connection.introspection.get_constraints(cursor, "shop_order").items() if one["index"]
        }


def valid_indexes() -> list[bool]:
    """Of the table and its parts, whether each is of use."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indrelid::regclass::text LIKE 'shop_order%'")
        return [valid for (valid,) in cursor.fetchall()]


def go(forwards: bool, step: AddIndexWhileUsed = STEP) -> None:
    before, after = states()
    with connection.schema_editor(atomic=False) as editor:
        if forwards:
            step.database_forwards("shop", editor, before, after)
        else:
            step.database_backwards("shop", editor, after, before)


@pytest.fixture
def table(transactional_db: None) -> Iterator[None]:
    order = states()[0].apps.get_model("shop", "Order")
    with connection.schema_editor() as editor:
        editor.create_model(order)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(order)


@pytest.mark.usefixtures("table")
def test_it_is_made_and_taken_away() -> None:
    go(forwards=True)
    assert INDEX.name in indexes()
    go(forwards=False)
    assert INDEX.name not in indexes()


@pytest.mark.postgresql
@pytest.mark.usefixtures("table")
def test_what_an_interrupted_run_left_is_made_anew() -> None:
    go(forwards=True)
    go(forwards=True)
    assert INDEX.name in indexes()


@pytest.mark.postgresql
@pytest.mark.usefixtures("table")
def test_its_migration_is_not_one_transaction() -> None:
    before, after = states()
    with transaction.atomic(), connection.schema_editor(atomic=False) as editor, pytest.raises(NotSupportedError):
        STEP.database_forwards("shop", editor, before, after)


@pytest.mark.postgresql
def test_of_a_divided_table_each_part_has_it(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE shop_order (id bigint, name text) PARTITION BY RANGE (id)")
        cursor.execute("CREATE TABLE shop_order_1 PARTITION OF shop_order FOR VALUES FROM (1) TO (100)")
        cursor.execute("CREATE TABLE shop_order_2 PARTITION OF shop_order DEFAULT")
        try:
            for _time in range(2):  # as after a run that was interrupted
                go(forwards=True)
                assert valid_indexes() == [True, True, True]
            go(forwards=True, step=ANOTHER)
            assert valid_indexes() == [True] * 6
            go(forwards=False, step=ANOTHER)
            go(forwards=False)
            assert indexes() == set()
        finally:
            cursor.execute("DROP TABLE shop_order")
