"""Somebody saves a page, or applies a file, while somebody else changes the same rows: neither undoes the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections, transaction

from idp.configuration import apply
from projects import api_registration, registration
from projects.actors import Actor
from projects.metadata import Scope
from projects.models import Api
from tests.console import Fields, api, browser, console, look_again, page, project

__all__ = ["console"]
pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("console"),
]
OPERATOR = Actor.operator("operator")
# Those of this database alone: tests of other processes wait for locks in theirs.
WAITS = """SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE NOT l.granted AND a.datname = current_database()"""


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def aside(pool: ThreadPoolExecutor, work: Callable[[], object]) -> Future[object]:
    """Done by another thread, with a connection of its own."""

    def run() -> object:
        try:
            return work()
        finally:
            connections.close_all()

    return pool.submit(run)


def until_it_waits(one: Future[object]) -> None:
    """Until it is done, or PostgreSQL makes it wait for a lock."""
    pause = threading.Event()
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction goes on seeing who was connected first
            cursor.execute(WAITS)
            if one.done() or cursor.fetchone() != (0,):
                return
        pause.wait(0.05)
    raise AssertionError("it neither ended nor waits")


def save(who: str, url: str, changes: Fields) -> Callable[[], int]:
    """Once more, where somebody else changed what the page shows: with all that it shows now."""
    return lambda: int(look_again(browser(who), url, changes).status_code)


def remove_the_editor() -> None:
    before = registration.metadata_of(project())
    kept = tuple(one for one in before.members if one.username != "editor")
    registration.change(project(), replace(before, members=kept, test_users=("person",)), OPERATOR)


def add_a_scope() -> None:
    before = api_registration.metadata_of(api())
    added = Scope("orders.write", "Change your orders", sensitive=True)
    api_registration.change(api(), replace(before, scopes=(*before.scopes, added)), OPERATOR)


def members() -> set[str]:
    return set(project().members.values_list("user__username", flat=True))


def test_a_removed_member_stays_removed_when_an_owner_saves_the_page(others: ThreadPoolExecutor) -> None:
    url = page("projects_project_change", project().pk)
    with transaction.atomic():
        remove_the_editor()
        saving = aside(others, save("owner", url, {"name": "New"}))
        until_it_waits(saving)
    saving.result(30)
    assert members() == {"owner", "viewer", "both"}


def test_a_removed_member_stays_removed_when_an_editor_saves_the_consent_screen(others: ThreadPoolExecutor) -> None:
    url = page("projects_project_change", project().pk)
    with transaction.atomic():
        before = registration.metadata_of(project())
        kept = tuple(one for one in before.members if one.username != "viewer")
        registration.change(project(), replace(before, members=kept, test_users=("person",)), OPERATOR)
        saving = aside(others, save("editor", url, {"consent_screen-0-app_name": "Shown"}))
        until_it_waits(saving)
    assert saving.result(30) == 302
    assert members() == {"owner", "editor", "both"}
    assert registration.metadata_of(project()).test_users == ("person",)
    assert registration.metadata_of(project()).consent_screen.app_name == "Shown"


def test_who_lost_the_role_while_waiting_saves_nothing(others: ThreadPoolExecutor) -> None:
    url = page("projects_project_change", project().pk)
    with transaction.atomic():
        remove_the_editor()
        saving = aside(others, save("editor", url, {"consent_screen-0-app_name": "Shown"}))
        until_it_waits(saving)
    assert saving.result(30) == 403
    assert registration.metadata_of(project()).consent_screen.app_name == "Acme"


def test_a_removed_member_stays_removed_when_a_file_that_names_other_roles_is_applied(
    others: ThreadPoolExecutor,
) -> None:
    file = "version: 1\nprojects: [{id: acme, name: Acme, members: {viewers: [viewer]}}]"
    with transaction.atomic():
        remove_the_editor()
        applying = aside(others, lambda: apply(file))
        until_it_waits(applying)
    applying.result(30)
    assert members() == {"owner", "viewer"}


def test_a_scope_that_was_added_stays_when_a_page_of_the_api_is_saved(others: ThreadPoolExecutor) -> None:
    url = page("projects_api_change", api().pk)
    with transaction.atomic():
        add_a_scope()
        saving = aside(others, save("editor", url, {"description": "New"}))
        until_it_waits(saving)
    assert saving.result(30) == 302
    assert set(api().scopes.values_list("name", flat=True)) == {"orders.read", "orders.write"}
    assert api().description == "New"


def test_a_scope_that_was_added_stays_when_a_file_that_names_none_is_applied(others: ThreadPoolExecutor) -> None:
    named: dict[str, Any] = {"identifier": api().identifier, "name": "New"}
    file = {"version": 1, "projects": [{"id": "acme", "name": "Acme", "apis": [named]}]}
    with transaction.atomic():
        add_a_scope()
        applying = aside(others, lambda: apply(file))
        until_it_waits(applying)
    applying.result(30)
    assert set(api().scopes.values_list("name", flat=True)) == {"orders.read", "orders.write"}


# --- Who waits for whom --------------------------------------------------------------------------------------------

BILLING = "https://api.acme.example/billing"


def billing() -> None:
    apply(f"version: 1\nprojects: [{{id: acme, name: Acme, apis: [{{identifier: '{BILLING}', name: Billing}}]}}]")


def rename(identifier: str, name: str) -> list[str]:
    row = api(identifier)
    return api_registration.change(row, replace(api_registration.metadata_of(row), name=name), OPERATOR)


def delayed(monkeypatch: pytest.MonkeyPatch, thread: list[int]) -> tuple[threading.Event, threading.Event]:
    """The first thing this thread asks of the registration's rules waits: it has begun, and may go on."""
    begun, go = threading.Event(), threading.Event()
    judge = api_registration.problems

    def slow(*args: Any) -> Any:
        if threading.get_ident() in thread and not begun.is_set():
            begun.set()
            assert go.wait(30)
        return judge(*args)

    monkeypatch.setattr(api_registration, "problems", slow)
    return begun, go


@pytest.mark.parametrize(
    "other",
    [
        lambda: apply(
            "version: 1\nprojects: [{id: acme, name: Acme, apis: ["
            f"{{identifier: '{api().identifier}', name: Renamed}}, {{identifier: '{BILLING}', name: Renamed}}]}}]"
        ),
        lambda: rename(BILLING, "Renamed"),
        lambda: look_again(browser("editor"), page("projects_api_change", api(BILLING).pk), {"name": "Renamed"}),
    ],
    ids=["a file", "a change", "a page"],
)
def test_two_changes_of_apis_wait_and_never_fail(
    other: Callable[[], object], others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    billing()
    mine: list[int] = []
    begun, go = delayed(monkeypatch, mine)

    def first() -> object:
        mine.append(threading.get_ident())
        return rename(BILLING, "First")

    one = aside(others, first)
    assert begun.wait(30)
    two = aside(others, other)
    until_it_waits(two)
    go.set()
    assert one.result(30) == ["name"]
    two.result(30)
    assert api(BILLING).name == "Renamed"


def test_a_file_and_a_new_api_that_is_shared_wait_and_never_fail(
    others: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file locks its project first, and the new row refers to it."""
    mine: list[int] = []
    begun, go = delayed(monkeypatch, mine)

    def first() -> object:
        mine.append(threading.get_ident())
        return apply(
            "version: 1\nprojects: [{id: acme, name: Renamed, apis: ["
            f"{{identifier: '{api().identifier}', name: Renamed}}]}}]"
        )

    wanted = replace(api_registration.metadata_of(api()), identifier=BILLING)
    one = aside(others, first)
    assert begun.wait(30)
    two = aside(others, lambda: api_registration.register(wanted, project(), OPERATOR))
    until_it_waits(two)
    go.set()
    one.result(30)
    two.result(30)
    assert api(BILLING).project == project()


def test_a_page_of_what_is_deleted_meanwhile_says_so(others: ThreadPoolExecutor) -> None:
    billing()
    url = page("projects_api_change", api(BILLING).pk)
    with transaction.atomic():
        api_registration.delete(api(BILLING), OPERATOR)
        saving = aside(others, save("editor", url, {"name": "New"}))
        until_it_waits(saving)
    assert saving.result(30) == 302
    assert not Api.objects.filter(identifier=BILLING).exists()
