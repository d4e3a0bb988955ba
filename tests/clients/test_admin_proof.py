"""Clients that manage this provider are made in the console by who has just proved who they are, as by the API.

Nobody types a form twice for it: what they entered waits for them.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client as Http
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from clients.models import Client, ClientSecret, InitialAccessToken
from projects import kept_forms
from projects.apis import own_identifier
from tests.accounts.second_steps import PASSWORD, code, enrol, give_password, sent_on
from tests.console import browser, client, form_of, page, project
from tests.foreign_keys import KEYS, public
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console", "keys")
LATER = timedelta(seconds=301)
PROOF, TOKEN = "account_reauthenticate", "csrfmiddlewaretoken"


@pytest.fixture(autouse=True)
def apps_may_register(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"


@pytest.fixture
def root() -> Iterator[Http]:
    """A superuser who signed in a while ago."""
    somebody = User.objects.get(username="root")
    somebody.set_password(PASSWORD)
    somebody.save()
    http = Http()
    assert give_password(http, somebody).status_code == 302
    with time_machine.travel(timezone.now() + LATER):
        yield http


def manages(client_id: str = "web") -> Client:
    """It may manage its project: a superuser decided so."""
    Client.objects.filter(client_id=client_id).update(scope="openid admin.write")
    client(client_id).audience_entries.all().delete()
    return client(client_id)


def changed() -> str:
    return page("clients_client_change", client().pk)


def typed(http: Http, url: str, **changes: Any) -> dict[str, Any]:
    return {**form_of(http.get(url)), **changes}


def new_client(http: Http) -> tuple[str, dict[str, Any]]:
    url = page("clients_client_add")
    wanted: dict[str, Any] = {"project": str(project().pk), "name": "Robot “R2”\r\nof ours", "client_id": "robot"}
    wanted |= {"grant_types": ["client_credentials"], "scope": "admin.read\r\nadmin.write", "administers": "acme"}
    return url, typed(http, url, **wanted)


def new_secret(http: Http) -> tuple[str, dict[str, Any]]:
    row = manages()
    shown = http.get(page("clients_client_secrets", row.pk))
    assert shown.status_code == 200, "looking needs no proof"
    assert shown.context["why_not"] == ""
    seen = str(row.secrets.order_by("-pk").values_list("pk", flat=True)[0])
    return page("clients_client_new_secret", row.pk), {"label": "production", "days": "", "seen": seen}


def new_key(http: Http) -> tuple[str, dict[str, Any]]:
    row = manages()
    shown = http.get(page("clients_client_keys", row.pk))
    assert shown.status_code == 200, "looking needs no proof"
    assert shown.context["why_not"] == ""
    return page("clients_client_new_key", row.pk), {"key": json.dumps(public(KEYS["ES256"], kid="first"))}


def initial_token(http: Http) -> tuple[str, dict[str, Any]]:
    url = page("clients_initialaccesstoken_add")
    return url, typed(http, url, project=str(project().pk), label="agents", audiences=own_identifier())


def new_app(http: Http) -> tuple[str, dict[str, Any]]:
    """In three questions."""
    url = f"{page('clients_client_new')}?project=acme"
    beyond = {"scopes_elsewhere": "admin.read", "apis_elsewhere": own_identifier()}
    return url, typed(http, url, name="Robot", kind="machine", **beyond)


CHANGES: dict[str, Callable[[Http], tuple[str, dict[str, Any]]]] = {
    "a client is made": new_client,
    "an app of three questions": new_app,
    "a client gets a scope that manages": lambda http: (
        changed(),
        typed(http, changed(), scope="openid\r\nadmin.write"),
    ),
    "a client gets every project": lambda http: (changed(), typed(http, changed(), administers="*")),
    "a client gets the API as an audience": lambda http: (
        changed(),
        typed(http, changed(), **{"audience_entries-0-value": own_identifier()}),
    ),
    "a client that manages gets a secret": new_secret,
    "a client that manages gets a key": new_key,
    "an initial token for the API": initial_token,
}


def everything() -> list[Any]:
    tables = (Client, ClientSecret, InitialAccessToken)
    rows = [str(sorted(one.items())) for table in tables for one in table._default_manager.order_by("pk").values()]
    return rows + [
        [entry.value for entry in one.audience_entries.order_by("pk")] for one in Client.objects.order_by("pk")
    ]


def as_sent(fields: dict[str, Any]) -> dict[str, list[str]]:
    sent = {name: value if isinstance(value, list) else [value] for name, value in fields.items()}
    return {name: value for name, value in sent.items() if name != TOKEN and value}


def waiting_in(response: Response) -> dict[str, list[str]]:
    """What a browser would send of that page."""
    found: dict[str, list[str]] = {}
    for name, text in re.findall(
        r'<textarea hidden name="([^"]*)">\n(.*?)</textarea>', response.content.decode(), re.S
    ):
        found.setdefault(html.unescape(name), []).append(html.unescape(text))
    return found


def prove(http: Http, response: Response) -> str:
    """Where the password leads back."""
    proof, back = sent_on(response)
    http.post(proof, {"password": PASSWORD, "next": back})
    return back


@pytest.mark.parametrize("what", CHANGES)
def test_it_waits_for_the_password_and_nothing_typed_is_lost(what: str, root: Http) -> None:
    url, fields = CHANGES[what](root)
    before = everything()
    proof, back = sent_on(root.post(url, fields))
    assert (proof, everything()) == (reverse(PROOF), before)
    assert "What you entered is kept" in root.get(proof).content.decode()
    assert root.post(f"{proof}?{urlencode({'next': back})}", {"password": PASSWORD})["Location"] == back
    asked = root.get(back)
    again = waiting_in(asked)
    assert "Nothing was changed yet" in asked.content.decode()
    assert again == as_sent(fields)
    assert everything() == before, "a link changes nothing"
    done = root.post(asked.context["action"], again)
    assert done.status_code in (200, 302)
    assert everything() != before


def test_the_secret_of_a_client_that_manages_is_shown_after_the_proof(root: Http) -> None:
    url, fields = new_client(root)
    back = prove(root, root.post(url, fields))
    made = root.post(url, waiting_in(root.get(back)))
    assert made.status_code == 200
    assert 'id="shown-secret"' in made.content.decode()
    assert client("robot").scope == "admin.read admin.write"


def test_whatever_manages_nothing_is_made_without(root: Http) -> None:
    url, fields = new_client(root)
    assert root.post(url, {**fields, "scope": "", "administers": ""}).status_code == 200
    assert root.post(changed(), typed(root, changed(), name="Another name")).status_code == 302
    web = page("clients_client_new_secret", client().pk)
    seen = str(client().secrets.order_by("-pk").values_list("pk", flat=True)[0])
    assert root.post(web, {"label": "", "days": "", "seen": seen}).status_code == 200


def test_with_a_second_step_the_password_is_not_enough(root: Http) -> None:
    enrol(User.objects.get(username="root"))
    url, fields = new_client(root)
    root.post(reverse(PROOF), {"password": PASSWORD})
    proof, back = sent_on(root.post(url, fields))
    assert proof == reverse("mfa_reauthenticate")
    assert root.post(proof, {"code": code(), "next": back})["Location"] == back
    assert root.post(url, waiting_in(root.get(back))).status_code == 200
    assert Client.objects.filter(client_id="robot").exists()


def test_who_can_only_sign_in_anew_finds_it_and_nobody_else_does() -> None:
    http = browser("root")
    with time_machine.travel(timezone.now() + LATER):
        url, fields = new_client(http)
        switch, back = sent_on(http.post(url, fields))
        assert switch == reverse("account_switch")
        for username, found in (("owner", False), ("root", True)):
            http.post(switch, {"next": back})
            http.force_login(User.objects.get(username=username))
            assert (http.get(back).status_code == 200) is found, username


def test_what_was_typed_is_nowhere_in_clear_and_waits_for_a_quarter_of_an_hour(root: Http) -> None:
    url, fields = new_client(root)
    back = prove(root, root.post(url, fields))
    assert "robot" not in str(dict(root.session))
    elsewhere = page("clients_client_changelist")
    assert root.get(f"{elsewhere}?typed=1")["Location"] == elsewhere
    with time_machine.travel(timezone.now() + timedelta(seconds=kept_forms.KEPT_FOR + 1)):
        assert root.get(back)["Location"] == url


def test_a_very_long_form_is_filled_in_again(root: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_forms, "MOST", 10)
    url, fields = new_client(root)
    proof, back = sent_on(root.post(url, fields))
    assert (proof, back) == (reverse(PROOF), url)
    assert "Nothing was changed yet" in root.get(proof).content.decode()


@pytest.mark.parametrize("what", ["a client that manages gets a secret", "a client that manages gets a key"])
def test_who_leaves_it_or_comes_too_late_is_at_the_list(what: str, root: Http) -> None:
    url, fields = CHANGES[what](root)
    back = prove(root, root.post(url, fields))
    there = url.removesuffix("new/")
    assert f'href="{there}"' in root.get(back).content.decode()
    with time_machine.travel(timezone.now() + timedelta(seconds=kept_forms.KEPT_FOR + 1)):
        assert root.get(back)["Location"] == there
