"""A `sub` of another provider, whatever its letters: the same at every endpoint, in every token, event and page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts import events
from accounts.models import AccountEventKind, SignIn, User
from clients.models import Client, LogoutNotice, SecurityEvent
from tests.provider.receiver import Receiver, receiving
from tests.world import ORDERS, App, Browser, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
ODD = ["1", "a b/c?d=e&f#g%2F+'\"<b>", "人 ü@people.example", "x" * 32, "F" * 255, "ß" * 255]


@pytest.fixture(params=ODD, ids=["integer", "marks", "letters", "like-hex", "longest", "longest-letters"])
def sub(request: pytest.FixtureRequest) -> str:
    User.objects.filter(username="owner").update(sub=request.param)
    return str(request.param)


@pytest.fixture
def app() -> Iterator[Receiver]:
    with receiving() as receiver:
        Client.objects.filter(client_id="web").update(backchannel_logout_uri=receiver.url)
        yield receiver


def test_every_endpoint_says_the_same(sub: str) -> None:
    tokens = Browser("owner").tokens("web", scope="openid email offline_access")
    web, access = App("web"), tokens["access_token"]
    asked = web.post("/oauth2/tokeninfo", {"access_token": access}, auth=None).json()
    seen = [claims_of(tokens["id_token"])["sub"], web.introspect(access).json()["sub"], asked["sub"], asked["user_id"]]
    assert [*seen, web.userinfo(access).json()["sub"]] == [sub] * 5
    answer = web.refresh(tokens["refresh_token"], scope="openid").json()
    assert claims_of(answer["id_token"])["sub"] == sub


def test_a_token_that_is_a_jwt_is_alive(sub: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    access = Browser("owner").tokens("web", scope="openid orders.read", resource=ORDERS)["access_token"]
    assert claims_of(access)["sub"] == sub
    assert App("web").introspect(access).json()["sub"] == sub


def test_an_app_may_ask_for_this_very_person(sub: str) -> None:
    browser = Browser("owner")
    id_token = browser.tokens("web")["id_token"]
    claims = json.dumps({"id_token": {"sub": {"value": sub}}})
    assert redirected(browser.authorize("web", prompt="none", id_token_hint=id_token, claims=claims))["code"]
    other = json.dumps({"id_token": {"sub": {"value": sub + "x"}}})
    assert redirected(browser.authorize("web", prompt="none", claims=other))["error"] == "login_required"


def test_signing_out_at_an_app_tells_the_others(sub: str, app: Receiver) -> None:
    browser = Browser("owner")
    id_token = browser.tokens("web")["id_token"]
    browser.http.get("/oauth2/logout", {"id_token_hint": id_token})
    assert SignIn.objects.get().ended_at is not None
    call_command("deliverevents", "--format", "json")
    assert claims_of(app.tokens[0])["sub"] == sub == LogoutNotice.objects.get().sub


def test_events_keep_it_whole_and_the_console_finds_it(sub: str) -> None:
    User.objects.create_superuser("root", "root@people.example", "x")
    browser, console = Browser("owner"), Browser("root")
    browser.tokens("web", scope="openid offline_access")
    browser.http.post(reverse("account_app_remove", args=["acme"]), {"scope": "offline_access"})
    assert SecurityEvent.objects.get(kind="consent.taken_back").sub == sub
    events.record(User.objects.get(username="owner"), AccountEventKind.PROFILE_CHANGED, None)
    quoted = '"' + sub.replace("\\", "\\\\").replace('"', '\\"') + '"'
    pages = {"accounts_user": 1, "accounts_accountevent": 2, "clients_authorization": 1, "clients_securityevent": 1}
    for page, number in pages.items():
        found = console.http.get(
            reverse(f"admin:{page}_changelist"), {"q": sub if page == "accounts_user" else quoted}
        ).context["cl"]
        assert found.result_count == number, page
