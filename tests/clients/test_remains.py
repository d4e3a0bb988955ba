"""Whoever is deleted while they are busy is gone at once; their rows are worth nothing, and go in pieces later."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as Http

from accounts.models import AccountEvent, AccountEventKind, SignIn, User
from clients import remains
from clients.models import AccessToken, Authorization, Client, LogoutNotice, SecurityEvent
from projects.models import Consent, Project
from tests.console import browser, page
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture(params=["opaque", "jwt"])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Tokens and a code of somebody at `web`, and more rows than a request clears."""
    monkeypatch.setattr(remains, "FEW", 1)
    Client.objects.filter(client_id="web").update(access_token_format=request.param)
    Client.objects.filter(client_id="sibling").update(introspection="project")
    User.objects.create_superuser("root")
    mine = Browser("outsider")
    mine.tokens("web", scope="openid offline_access")
    tokens = mine.tokens("web", scope="openid offline_access")
    own = App("web").token(grant_type="client_credentials").json()["access_token"]
    return {**tokens, "code": mine.code("web"), "own": own, "browser": mine}


def delete_client() -> None:
    key = Client.objects.get(client_id="web").pk
    assert browser("root").post(page("clients_client_delete", key), {"post": "yes"}).status_code == 302
    assert not Client.objects.filter(client_id="web").exists()


def delete_person() -> None:
    key = User.objects.get(username="outsider").pk
    assert browser("root").post(page("accounts_user_delete", key), {"post": "yes"}).status_code == 302


def leave(held: dict[str, Any]) -> None:
    assert held["browser"].http.post("/accounts/delete/").status_code == 302


def clear() -> None:
    """Tokens that live for long keep what somebody could still name, and that is nobody here."""
    Client.objects.update(access_token_lifetime=100 * 24 * 3600)
    call_command("cleartokens", stdout=StringIO(), stderr=StringIO())


def active(token: str) -> bool:
    return bool(App("sibling").introspect(token).json()["active"])


def test_nothing_of_a_deleted_client_works_and_its_rows_go_later(held: dict[str, Any]) -> None:
    delete_client()
    assert Authorization.objects.count() == 3, "nobody waited for them"
    assert [active(held[name]) for name in ("access_token", "refresh_token", "own")] == [False] * 3
    assert App("sibling").userinfo(held["access_token"]).status_code == 401
    for answer in (App("web").refresh(held["refresh_token"]), App("web").exchange(held["code"])):
        assert answer.status_code == 401
    assert SecurityEvent.objects.filter(kind="client.deleted", client_id="web").exists()
    clear()
    assert not Authorization.objects.exists()
    assert User.objects.filter(username="outsider").exists()


@pytest.mark.parametrize("by", ["the console", "themselves"])
def test_nothing_of_a_deleted_person_works_and_their_rows_go_later(held: dict[str, Any], by: str) -> None:
    sub = str(User.objects.get(username="outsider").sub)
    if by == "themselves":
        leave(held)
    else:
        delete_person()
    assert not User.objects.filter(username="outsider").exists()
    assert Authorization.objects.count() == 3
    assert [active(held[name]) for name in ("access_token", "refresh_token", "own")] == [False, False, True]
    assert App("web").userinfo(held["access_token"]).status_code == 401
    for answer in (App("web").refresh(held["refresh_token"]), App("web").exchange(held["code"])):
        assert answer.status_code == 400
    assert held["browser"].http.get("/accounts/security/").status_code == 302
    assert AccountEvent.objects.filter(kind=AccountEventKind.DELETED, sub=sub).exists()
    clear()
    assert [model._default_manager.count() for model in (Authorization, Consent)] == [0, 0]
    assert not SignIn.objects.exclude(user__username="root").exists()


def test_the_next_person_of_that_name_inherits_nothing(held: dict[str, Any]) -> None:
    delete_person()
    User.objects.create_user("outsider", "outsider@people.example")
    assert Browser("outsider").authorize("web", scope="openid").status_code == 200, "they are asked"


@pytest.mark.parametrize("forgets", ["UPDATE sqlite_sequence SET seq = 0", "DELETE FROM sqlite_sequence"])
def test_a_table_that_is_made_anew_gives_no_number_again(held: dict[str, Any], forgets: str) -> None:
    """Django changes a table of SQLite by copying its rows, and SQLite knows the highest number of those alone."""
    if connection.vendor != "sqlite":
        pytest.skip("needs SQLite")  # PostgreSQL keeps its sequences
    had = {"clients_client": Client.objects.get(client_id="web").pk}
    had["accounts_user"] = User.objects.get(username="outsider").pk
    had["projects_project"] = Project.objects.get(key="acme").pk
    delete_client()
    delete_person()
    with connection.cursor() as cursor:
        cursor.execute(forgets)
        remains.after_migrate("default")
        cursor.execute("SELECT name, seq FROM sqlite_sequence")
        known = dict(cursor.fetchall())
    assert [table for table, key in had.items() if known[table] < key] == []


def test_tokens_that_a_deleted_client_got_for_itself_go_as_well(held: dict[str, Any]) -> None:
    for _ in range(2):
        App("web").token(grant_type="client_credentials")
    delete_client()
    clear()
    assert not AccessToken.objects.exists()


def test_apps_are_told_of_a_busy_person_who_left(held: dict[str, Any]) -> None:
    Client.objects.filter(client_id="web").update(backchannel_logout_uri="https://web.acme.example/out")
    leave(held)
    assert LogoutNotice.objects.filter(client__client_id="web").count() == 1


def test_the_console_shows_what_is_left_of_nobody(held: dict[str, Any]) -> None:
    """A row whose person or client is gone is no fault on any page."""
    one = Authorization.objects.latest("created_at")
    for delete in (delete_person, delete_client):
        delete()
        root = browser("root")
        assert root.get(page("clients_authorization_changelist")).context["cl"].result_count == 0
        assert root.get(page("clients_authorization_change", one.pk)).status_code == 302
        chosen = {"action": "end", "_selected_action": [str(one.pk)], "confirmed": "yes"}
        assert root.post(page("clients_authorization_changelist"), chosen).status_code == 302


def test_a_project_goes_after_its_busy_client(held: dict[str, Any]) -> None:
    Client.objects.filter(project__key="acme").exclude(client_id="web").delete()
    assert Consent.objects.filter(project__key="acme").count() == 1
    delete_client()
    key = Project.objects.get(key="acme").pk
    assert browser("root").post(page("projects_project_delete", key), {"name": "Acme"}).status_code == 302
    assert Authorization.objects.exists()
    assert b"Acme" not in Browser("outsider").http.get("/accounts/apps/").content
    clear()
    assert [model._default_manager.count() for model in (Authorization, Consent)] == [0, 0]


def test_few_rows_go_with_what_they_were_of() -> None:
    Browser("outsider").tokens("web")
    App("web").token(grant_type="client_credentials")
    User.objects.create_superuser("root")
    delete_client()
    assert [model._default_manager.count() for model in (Authorization, AccessToken)] == [0, 0]
    Browser("outsider").tokens("sibling")
    delete_person()
    assert [model._default_manager.count() for model in (Authorization, Consent)] == [0, 0]
    assert not SignIn.objects.exclude(user__username="root").exists()


def test_the_page_says_what_will_go(client: Http, held: dict[str, Any]) -> None:
    key = Client.objects.get(client_id="web").pk
    assert "3 authorizations" in browser("root").get(page("clients_client_delete", key)).content.decode()
