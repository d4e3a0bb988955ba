"""What a process remembers of clients, APIs and keys: until something changed, within bounds, and for nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from clients import secrets, triggers
from clients.models import AudienceEntry, Client, ClientSecret, SigningKey
from clients.models.keys import KeyState
from common import cache
from common.cache import MAX_FOUND, MAX_MISSING, LookupCache
from projects.models import Api, Project
from provider import facts
from provider.keys import keyring
from tests.world import ORDERS

# --- What is remembered --------------------------------------------------------------------------------------------


class Shelves:
    """Loads names that begin with a letter; counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.known: LookupCache[str, str] = LookupCache(self.load)

    def load(self, names: Collection[str]) -> dict[str, str]:
        self.asked.append(sorted(names))
        return {name: name.upper() for name in names if name[0].isalpha()}


def test_a_name_is_loaded_once_whether_it_exists_or_not() -> None:
    shelves = Shelves()
    for _ in range(3):
        assert shelves.known.look_up(["a", "1"]) == {"a": "A"}
    assert shelves.asked == [["1", "a"]]
    assert shelves.known.look_up(["b", "a"]) == {"a": "A", "b": "B"}
    assert shelves.asked[1:] == [["b"]]


def test_one_name_is_found_as_several_are() -> None:
    shelves = Shelves()
    assert [shelves.known.find(name) for name in ("a", "1", "a", "1")] == ["A", None, "A", None]
    assert shelves.asked == [["a"], ["1"]]


def test_that_there_is_none_is_not_remembered_of_names_that_may_appear() -> None:
    shelves = Shelves()

    def appears(name: str) -> bool:
        return name == "1"

    for _ in range(2):
        assert shelves.known.find("1", appears) is None
        assert shelves.known.look_up(["1", "2", "a"], appears) == {"a": "A"}
    assert shelves.asked == [["1"], ["1", "2", "a"], ["1"], ["1"]]


def test_asking_for_nonsense_neither_fills_the_memory_nor_pushes_anything_out() -> None:
    shelves = Shelves()
    shelves.known.look_up(["a"])
    for number in range(3 * MAX_FOUND):
        shelves.known.look_up([str(number)])
    assert len(shelves.known._missing) == MAX_MISSING
    shelves.asked.clear()
    assert shelves.known.look_up(["a"]) == {"a": "A"}
    assert shelves.asked == []


@pytest.mark.parametrize("use", [lambda known, name: known.look_up([name]), LookupCache.find])
def test_the_longest_unused_is_given_up_first(use: Callable[[LookupCache[str, str], str], object]) -> None:
    shelves = Shelves()
    shelves.known.look_up(["hot"])
    for number in range(2 * MAX_FOUND):
        shelves.known.look_up([f"c{number}"])
        use(shelves.known, "hot")
    assert len(shelves.known._found) == MAX_FOUND
    shelves.asked.clear()
    shelves.known.look_up(["hot"])
    assert shelves.asked == []
    shelves.known.look_up(["c0"])
    assert shelves.asked == [["c0"]]


# --- What ends it --------------------------------------------------------------------------------------------------


def version() -> Any:
    return cache._version()


def enabled() -> bool:
    found = facts.find_client("web")
    assert found is not None
    return found.enabled


def web() -> Client:
    return Client.objects.get(client_id="web")


def by_hand(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


CHANGES: dict[str, Callable[[], object]] = {
    "a client": lambda: web().save(),
    "clients by a query": lambda: Client.objects.filter(client_id="web").update(enabled=False),
    "a client by hand": lambda: by_hand("UPDATE clients_client SET name = %s WHERE client_id = %s", "x", "web"),
    "a client that goes": lambda: Client.objects.filter(client_id="blind").delete(),
    "a client that comes": lambda: Client.objects.create(
        client_id="new", project=web().project, client_type="confidential"
    ),
    "an audience": lambda: AudienceEntry.objects.filter(value=ORDERS).update(default=True),
    "an audience that goes": lambda: AudienceEntry.objects.all()[0].delete(),
    "whom it introspects": lambda: web().introspects.set(Client.objects.filter(client_id="stranger")),
    "who may call it": lambda: web().allowed_callers.set(Client.objects.filter(client_id="sibling")),
    "whom it acts for": lambda: web().acts_for.set(Api.objects.all()),
    "a secret that comes": lambda: secrets.generate(web()),
    "a secret that ends": lambda: secrets.revoke(web().secrets.get()),
    "a secret's expiry": lambda: ClientSecret.objects.update(expires_at="2030-01-01T00:00:00Z"),
    "a secret's digest": lambda: ClientSecret.objects.filter(client=web()).update(digest="x"),
    "a secret that goes": lambda: ClientSecret.objects.all().delete(),
    "a project": lambda: Project.objects.filter(key="acme").update(cross_client="off"),
    "an API": lambda: Api.objects.filter(identifier=ORDERS).update(token_format="jwt"),
    "an API's scope": lambda: Api.objects.get(identifier=ORDERS).scopes.create(name="x", description="x"),
    "whom an API is shared with": lambda: Api.objects.get(identifier=ORDERS).shared_with.set(Project.objects.all()),
    "a key": lambda: keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT)),
    "a key that goes": lambda: SigningKey.objects.all().delete(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_gives_the_facts_another_version(world: None, change: str) -> None:
    before = version()
    assert version() == before
    CHANGES[change]()
    assert version() != before


@pytest.mark.django_db
def test_every_table_facts_come_from_is_watched(world: None) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%%\\_facts'")
        else:
            cursor.execute("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'")
        watched = [table for (table,) in cursor.fetchall()]
    assert set(watched) == set(triggers.SOURCES)
    assert set(triggers.SOURCES) <= set(connection.introspection.table_names())


@pytest.mark.django_db
def test_the_use_of_a_secret_changes_no_fact(world: None) -> None:
    before = version()
    ClientSecret.objects.update(last_used_at="2026-01-01T00:00:00Z", label="x")
    assert version() == before


@pytest.mark.django_db
def test_a_change_that_is_taken_back_leaves_the_version_it_found(world: None) -> None:
    before = version()
    inside = set()
    for _ in range(3):
        with transaction.atomic():
            Client.objects.filter(client_id="web").update(enabled=False)
            assert not enabled(), "a transaction sees its own changes"
            inside.add(version())
            transaction.set_rollback(True)
        assert version() == before
        assert enabled()
    assert len(inside) == 3, "a version never comes back for something else"


@pytest.mark.django_db
def test_triggers_that_a_later_migration_lost_are_there_again(world: None) -> None:
    """On SQLite Django changes a table by making another in its place."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER clients_client_facts_update")
    before = version()
    if connection.vendor == "sqlite":
        web().save()
        assert version() == before
    triggers.after_migrate(using="default")
    web().save()
    assert version() != before


# --- How long, and for whom ----------------------------------------------------------------------------------------


@pytest.fixture
def rarely(settings: Any, monkeypatch: Any) -> list[float]:
    """A clock of our own, and a process that looks as often as in production."""
    clock = [1000.0]
    settings.IDP_FACTS_MAX_AGE = 0.5
    monkeypatch.setattr(cache, "_shared", cache.Snapshot(None, float("-inf")))
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


@pytest.mark.django_db(transaction=True)
def test_a_change_bites_within_the_stated_time(
    world: None, rarely: list[float], django_assert_num_queries: Any
) -> None:
    assert enabled()
    Client.objects.filter(client_id="web").update(enabled=False)
    rarely[0] += 0.49
    with django_assert_num_queries(0):
        assert enabled()
    rarely[0] += 0.01
    assert not enabled()


@pytest.mark.django_db(transaction=True)
def test_looking_again_costs_one_statement_when_nothing_changed(
    world: None, rarely: list[float], django_assert_num_queries: Any
) -> None:
    assert enabled()
    for _ in range(3):
        rarely[0] += 0.5
        with django_assert_num_queries(1):
            assert enabled()


@pytest.mark.django_db(transaction=True)
def test_without_a_database_nothing_is_believed_for_longer(world: None, rarely: list[float]) -> None:
    def gone(*_args: Any) -> None:
        raise OperationalError("the database is gone")

    assert enabled()
    with connection.execute_wrapper(gone):
        assert enabled()
        rarely[0] += 0.5
        with pytest.raises(OperationalError):
            enabled()


@pytest.mark.django_db(transaction=True)
def test_what_a_transaction_changed_is_its_own_until_it_commits(world: None, rarely: list[float]) -> None:
    assert enabled()
    seen_by_another: list[bool] = []

    def look_from_another() -> None:
        seen_by_another.append(enabled())
        connection.close()

    with transaction.atomic():
        Client.objects.filter(client_id="web").update(enabled=False)
        assert not enabled()
        if connection.vendor == "postgresql":  # SQLite's tests share one connection
            thread = threading.Thread(target=look_from_another)
            thread.start()
            thread.join(30)
            assert seen_by_another == [True]
    rarely[0] += 0.5
    assert not enabled()


def test_an_older_look_never_replaces_a_newer_one(monkeypatch: Any) -> None:
    """Of two threads that look, the one that began first may be told last."""
    monkeypatch.setattr(cache, "_shared", cache.Snapshot(None, float("-inf")))
    newer = cache._refresh_shared("new", 2.0)
    assert cache._refresh_shared("old", 1.0) is newer
    assert cache._shared.version == "new"
    assert cache._refresh_shared("new", 3.0) is newer
    assert cache._refresh_shared("newest", 4.0) is not newer
