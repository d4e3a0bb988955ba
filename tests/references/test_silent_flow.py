"""An app asks in the background, once per audience, with `prompt=none`: an answer every time, and never a page."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import SignIn
from projects.models import Consent
from tests.world import BILLING, FOREIGN, ISSUER, ORDERS, App, Browser, claims_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
SCOPE = "openid orders.read"


@pytest.fixture
def person() -> Browser:
    return Browser("owner")


@pytest.fixture
def hint(person: Browser) -> str:
    """The app's last ID token, from when the person allowed it both audiences."""
    tokens = person.tokens("web", scope=SCOPE, resource=[ORDERS, BILLING])
    return str(tokens["id_token"])


def ask(browser: Browser, hint: str, **params: Any) -> dict[str, str]:
    """What the app hears in its hidden frame: always a redirect with its state and our name."""
    response = browser.authorize("web", **{"scope": SCOPE, "prompt": "none", "id_token_hint": hint, **params})
    answer = redirected(response)
    assert response.status_code == 302
    assert response.content == b""
    assert (answer["state"], answer["iss"]) == ("the-state", ISSUER)
    assert ("code" in answer) != ("error" in answer)
    return answer


def error(browser: Browser, hint: str, **params: Any) -> str:
    return ask(browser, hint, **params)["error"]


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_each_audience_gets_a_token_of_its_own(person: Browser, hint: str, name: str) -> None:
    for audience, scope in ((ORDERS, SCOPE), (BILLING, "openid"), (f"{ORDERS}/1234", SCOPE)):
        code = ask(person, hint, scope=scope, **{name: audience})["code"]
        tokens = App("web").exchange(code).json()
        assert App("web").introspect(tokens["access_token"]).json()["aud"] == audience
        assert claims_of(tokens["id_token"])["sub"] == claims_of(hint)["sub"]
        assert claims_of(tokens["id_token"])["auth_time"] == claims_of(hint)["auth_time"], "nobody signed in anew"


def test_both_ways_of_asking_may_be_mixed(person: Browser, hint: str) -> None:
    code = ask(person, hint, resource=ORDERS, audience=BILLING)["code"]
    token = App("web").exchange(code).json()["access_token"]
    assert App("web").introspect(token).json()["aud"] == [ORDERS, BILLING]


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_a_new_audience_is_consent_required_until_the_person_was_asked(person: Browser, name: str) -> None:
    hint = str(person.tokens("web", scope=SCOPE, resource=ORDERS)["id_token"])
    assert error(person, hint, **{name: BILLING}) == "consent_required"
    assert error(person, hint, **{name: [ORDERS, BILLING]}) == "consent_required"
    assert Consent.objects.get().audiences == [ORDERS], "asking leaves no trace"
    person.code("web", scope=SCOPE, resource=BILLING)
    assert ask(person, hint, **{name: BILLING})["code"]


def test_an_audience_nobody_may_have_is_invalid_target(person: Browser, hint: str) -> None:
    for audience in (FOREIGN, f"{ORDERS}-not", "http://[::1"):
        assert error(person, hint, resource=audience) == "invalid_target"


def test_signed_out_is_login_required(person: Browser, hint: str) -> None:
    assert error(Browser(), hint, resource=ORDERS) == "login_required"
    person.http.post("/accounts/logout/")
    assert error(person, hint, resource=ORDERS) == "login_required"


def test_a_sign_in_that_was_ended_elsewhere_is_login_required(person: Browser, hint: str) -> None:
    SignIn.objects.update(ended_at=timezone.now())
    assert error(person, hint, resource=ORDERS) == "login_required"


def test_another_person_at_the_browser_is_login_required(hint: str) -> None:
    other = Browser("member")
    other.code("web", scope=SCOPE, resource=ORDERS)
    assert error(other, hint, resource=ORDERS) == "login_required"


def test_what_is_no_hint_of_ours_is_invalid_request(person: Browser, hint: str) -> None:
    for wrong in ("rubbish", hint[:-4], f"{hint}x", hint.rpartition(".")[0] + "."):
        assert error(person, wrong, resource=ORDERS) == "invalid_request"


def test_consent_taken_back_is_consent_required(person: Browser, hint: str) -> None:
    Consent.objects.all().delete()
    assert error(person, hint, resource=ORDERS) == "consent_required"


@pytest.mark.parametrize(
    "more",
    [
        {"max_age": 0},
        {"max_age": "soon"},
        {"acr_values": "aal2"},
        {"claims": '{"id_token": {"acr": {"essential": true, "value": "aal2"}}}'},
        {"claims": '{"id_token": {"sub": {"value": "somebody"}}}'},
        {"claims": "{"},
        {"ui_locales": "de", "display": "popup", "login_hint": "member"},
        {"access_type": "offline"},
        {"include_granted_scopes": "true"},
        {"request": "x.y.z"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"scope": "openid nonsense"},
        {"scope": ""},
        {"prompt": "none login"},
        {"id_token_hint": "x" * 9000},
    ],
    ids=str,
)
@pytest.mark.parametrize("username", ["owner", "member", ""])
def test_whatever_else_is_asked_nothing_is_ever_shown(hint: str, username: str, more: dict[str, Any]) -> None:
    ask(Browser(username), hint, resource=ORDERS, **more)


def test_native_apps_that_always_ask_hear_consent_required() -> None:
    browser = Browser("owner")
    browser.code("native", redirect_uri="http://127.0.0.1:4711/cb")
    answer = redirected(browser.authorize("native", redirect_uri="http://127.0.0.1:4711/cb", prompt="none"))
    assert answer["error"] == "consent_required"
