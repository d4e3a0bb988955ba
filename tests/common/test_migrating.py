"""An index is made while the table is used, and made again where a run was interrupted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import BigAutoField, Index, TextField
from django.db.utils import NotSupportedError

from common import migrating
from common.migrating import AddIndexWhileUsed, one_at_a_time

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


# --- One at a time --------------------------------------------------------------------------------------------------


@pytest.mark.postgresql
def test_whoever_migrates_meanwhile_waits_and_says_so(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "PAUSE", 0.01)
    first, waiting, done = threading.Event(), threading.Event(), []

    def second() -> None:
        first.wait(timeout=30)
        with one_at_a_time(connection, waiting.set):
            done.append("second")
        connections.close_all()

    thread = threading.Thread(target=second)
    thread.start()
    with one_at_a_time(connection, lambda: None):
        first.set()
        assert waiting.wait(timeout=30)
        done.append("first")
    thread.join()
    assert done == ["first", "second"]


@pytest.mark.postgresql
def test_whoever_waits_keeps_no_index_from_being_made(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, table: None
) -> None:
    """`CREATE INDEX CONCURRENTLY` waits for everybody who may still look at old rows."""
    monkeypatch.setattr(migrating, "PAUSE", 0.01)
    waiting, made = threading.Event(), threading.Event()

    def second() -> None:
        with one_at_a_time(connection, waiting.set):
            assert made.is_set()
        connections.close_all()

    with ThreadPoolExecutor(1) as pool, one_at_a_time(connection, lambda: None):
        ended = pool.submit(second)
        assert waiting.wait(timeout=30)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'; SET statement_timeout = '20s'")
            go(forwards=True)
            cursor.execute("RESET lock_timeout; RESET statement_timeout")
        assert INDEX.name in indexes()
        made.set()
        # The lock goes with the block, before the pool waits for the other.
    ended.result()


@pytest.mark.postgresql
def test_the_lock_goes_with_whoever_had_it(transactional_db: None) -> None:
    for _number in range(2):
        with pytest.raises(KeyboardInterrupt), one_at_a_time(connection, fail):
            raise KeyboardInterrupt


def fail() -> None:
    raise AssertionError("nobody has it")
