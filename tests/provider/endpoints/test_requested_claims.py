"""The `claims` parameter on the wire: shown at consent, told where it was asked for, and never an escalation."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from accounts.models import User
from clients.models import Authorization, Client
from projects.models import Consent
from tests.provider.endpoints.test_prompts import leads_to, silent
from tests.world import App, Browser, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
ASKED = json.dumps({"userinfo": {"name": {"essential": True}}, "id_token": {"email": None, "nonsense": None}})
ABOUT = {"name", "given_name", "family_name", "preferred_username", "updated_at", "email", "email_verified"}


def about(claims: dict[str, Any]) -> set[str]:
    """Which claims say something of the person."""
    return set(claims) & (ABOUT | {"address", "phone_number", "nonsense"})


def told(tokens: dict[str, Any], client_id: str = "web") -> tuple[set[str], set[str]]:
    """What the ID token and userinfo say of the person."""
    return about(claims_of(tokens["id_token"])), about(App(client_id).userinfo(tokens["access_token"]).json())


def ticks(page: Any) -> list[str]:
    return re.findall(r'type="checkbox" name="scope" value="([^"]*)"', page.content.decode())


def test_single_claims_are_told_where_they_were_asked_for_without_the_scope() -> None:
    tokens = Browser("owner").tokens("web", claims=ASKED)
    assert tokens["scope"] == "openid"
    assert told(tokens) == ({"email"}, {"name"})
    row = Authorization.objects.get()
    assert row.claims == {"userinfo": ["name"], "id_token": ["email"]}
    assert (row.asked_scopes, row.scopes) == (["openid"], ["openid", "profile", "email"]), (
        "so that it can be taken back"
    )


def test_they_come_besides_those_of_the_scopes() -> None:
    tokens = Browser("owner").tokens("web", claims=ASKED, scope="openid phone")
    assert told(tokens) == ({"email", "phone_number"}, {"name", "phone_number"})


def test_they_are_shown_in_plain_words_and_can_be_unticked() -> None:
    browser = Browser("owner")
    page = browser.authorize("web", claims=ASKED)
    assert ticks(page) == ["profile", "email"]
    for words in (
        "See your profile: names, picture, date of birth and what else you entered",
        "See your e-mail address",
    ):
        assert words in page.content.decode()
    answer = browser.answer(page, scope=["email"])
    tokens = App("web").exchange(redirected(answer)["code"]).json()
    assert told(tokens) == ({"email"}, set())
    assert Consent.objects.get().scopes == ["openid", "email"]


def test_what_was_allowed_once_is_not_asked_again_and_new_claims_are_missing_consent() -> None:
    browser = Browser("owner")
    browser.code("web", claims=ASKED)
    assert silent(browser, claims=ASKED)["code"]
    assert silent(browser, scope="openid email")["code"], "it was shown as just this"
    more = json.dumps({"userinfo": {"phone_number": None}})
    assert silent(browser, claims=more)["error"] == "consent_required"
    assert ticks(browser.authorize("web", claims=more)) == ["phone"]


def test_a_scope_the_client_did_not_register_is_not_reached_through_its_claims() -> None:
    Client.objects.filter(client_id="web").update(scope="openid email")
    browser = Browser("owner")
    assert ticks(browser.authorize("web", claims=ASKED)) == ["email"]
    assert told(browser.tokens("web", claims=ASKED)) == ({"email"}, set())


def test_a_client_that_loses_the_scope_loses_the_claims_at_once() -> None:
    tokens = Browser("owner").tokens("web", claims=ASKED, scope="openid offline_access")
    Client.objects.filter(client_id="web").update(scope="openid offline_access")
    assert told(tokens)[1] == set()
    assert told(App("web").refresh(tokens["refresh_token"]).json()) == (set(), set())


def test_refreshed_tokens_tell_the_same_and_jwts_too() -> None:
    Client.objects.filter(client_id="web").update(access_token_format="jwt")
    tokens = Browser("owner").tokens("web", claims=ASKED, scope="openid offline_access")
    assert told(App("web").refresh(tokens["refresh_token"]).json()) == told(tokens) == ({"email"}, {"name"})


def test_a_sibling_hears_what_the_scopes_say_and_no_single_claims() -> None:
    tokens = Browser("owner").tokens("web", claims=ASKED, scope="openid phone offline_access")
    answer = App("web").refresh(tokens["refresh_token"], audience="sibling").json()
    assert about(claims_of(answer["id_token"])) == {"phone_number"}


def test_taking_the_scope_back_ends_what_told_its_claims() -> None:
    browser = Browser("owner")
    tokens = browser.tokens("web", claims=ASKED)
    browser.http.post("/accounts/apps/acme/remove/", {"scope": "profile"})
    assert App("web").userinfo(tokens["access_token"]).status_code == 401
    assert silent(browser, claims=ASKED)["error"] == "consent_required"


def test_first_party_projects_are_told_without_a_question() -> None:
    tokens = Browser("owner").tokens("desk", claims=ASKED)
    assert told(tokens, "desk") == ({"email"}, set()), "desk did not register profile"


def test_without_openid_there_is_nothing_to_put_them_in() -> None:
    browser = Browser("owner")
    page = browser.authorize("web", claims=ASKED, scope="orders.read")
    assert ticks(page) == ["orders.read"]
    browser.answer(page)
    assert Authorization.objects.get().claims == {}


def test_the_time_of_signing_in_is_always_told() -> None:
    asked = json.dumps({"id_token": {"auth_time": {"essential": True}}})
    assert "auth_time" in claims_of(Browser("owner").tokens("web", claims=asked)["id_token"])


# --- sub with a value is a hint (OpenID Connect Core 1.0 sections 3.1.2.2 and 5.5.1) ----------------------------------


def sub(username: str) -> str:
    return str(User.objects.get(username=username).sub)


@pytest.mark.parametrize("member", ["id_token", "userinfo"])
def test_a_named_person_has_to_be_the_one_who_is_signed_in(member: str) -> None:
    browser = Browser("owner")
    browser.code("web")
    own, other = (json.dumps({member: {"sub": {"value": sub(name)}}}) for name in ("owner", "member"))
    assert silent(browser, claims=own)["code"]
    assert silent(browser, claims=other)["error"] == "login_required"
    here = leads_to(browser.authorize("web", claims=other), "/accounts/switch/")
    assert leads_to(browser.http.get(here), "/accounts/switch/"), "following next changes nobody"
    browser.http.post("/accounts/switch/", {"next": here})
    browser.http.force_login(User.objects.get(username="member"))
    answer = browser.answer(browser.http.get(here))
    tokens = App("web").exchange(redirected(answer)["code"]).json()
    assert claims_of(tokens["id_token"])["sub"] == sub("member")


def test_one_of_several_named_people_will_do() -> None:
    browser = Browser("owner")
    browser.code("web")
    asked = json.dumps({"id_token": {"sub": {"values": [sub("member"), sub("owner")]}}})
    assert silent(browser, claims=asked)["code"]


def test_a_hint_and_a_sub_that_differ_name_nobody() -> None:
    hint = Browser("owner").tokens("web")["id_token"]
    asked = json.dumps({"id_token": {"sub": {"value": sub("member")}}})
    for prompt in ("none", None):
        answer = Browser("owner").authorize("web", claims=asked, id_token_hint=hint, prompt=prompt)
        assert redirected(answer)["error"] == "invalid_request"
