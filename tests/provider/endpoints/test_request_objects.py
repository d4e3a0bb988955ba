"""Signed requests (RFC 9101), at the authorization endpoint and pushed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client as Http
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clients.models import Client, KeptRequest
from common.jws import ALGORITHMS
from provider import request_objects
from provider.facts import find_client
from provider.protocol.errors import InvalidRequestObject
from provider.protocol.request import Params
from tests.foreign_keys import KEYS, OTHERS, public, signed
from tests.provider.endpoints.test_pushed_requests import begin, is_page_that_leads_nowhere
from tests.provider.proving import Holder
from tests.world import CHALLENGE, ISSUER, WEB_CB, App, Browser, Response, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("world")]
TYPE = "oauth-authz-req+jwt"


@pytest.fixture(autouse=True)
def _keys(world: None) -> None:
    registered = {"keys": [public(KEYS["ES256"], kid="one"), public(KEYS["EdDSA"], kid="two"), public(KEYS["RS256"])]}
    Client.objects.filter(client_id__in=["web", "spa"]).update(jwks=registered)


def claims(**more: Any) -> dict[str, Any]:
    said = {
        "iss": "web",
        "aud": ISSUER,
        "client_id": "web",
        "response_type": "code",
        "redirect_uri": WEB_CB,
        "scope": "openid email",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    return {name: value for name, value in said.items() if value is not None}


def request_object(algorithm: str = "ES256", typ: str | None = TYPE, key: Any = None, **more: Any) -> str:
    return signed(key or KEYS[algorithm], algorithm, claims(**more), typ=typ)


def ask(browser: Browser, token: str, **beside: Any) -> Response:
    query = {"client_id": "web", "request": token, **beside}
    return browser.http.get("/oauth2/authorize?" + urlencode({k: v for k, v in query.items() if v is not None}))


def push(token: str, client_id: str = "web", **beside: Any) -> Response:
    return App(client_id).post("/oauth2/par", {"request": token, **beside})


def refusal(token: str) -> str:
    """What is told, the same at both endpoints: to the app's server, and through the browser where that leads home."""
    pushed = push(token)
    assert pushed.status_code == 400, pushed.content
    page = ask(Browser("owner"), token, scope="openid")
    assert (page.status_code, "Location" in page) == (400, False), "nothing sure is known of where to"
    answered = redirected(ask(Browser("owner"), token, redirect_uri=WEB_CB, scope="openid", state="outside"))
    error = str(pushed.json()["error"])
    assert (answered["error"], answered["state"]) == (error, "outside")
    return error


# --- What is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("typ", [TYPE, "JWT", "jwt", None, f"application/{TYPE}"])
def test_a_signed_request_signs_in(algorithm: str, typ: str | None) -> None:
    browser = Browser("owner")
    answer = redirected(browser.answer(ask(browser, request_object(algorithm, typ))))
    assert (answer["state"], answer["iss"]) == ("the-state", ISSUER)
    assert App("web").exchange(answer["code"]).json()["scope"] == "openid email"


def test_a_signed_request_may_be_pushed() -> None:
    response = push(request_object())
    assert response.status_code == 201, response.content
    browser = Browser("owner")
    page = begin(browser, response.json()["request_uri"])
    answer = redirected(browser.answer(page))
    assert answer["state"] == "the-state"
    assert App("web").exchange(answer["code"]).json()["scope"] == "openid email"
    is_page_that_leads_nowhere(begin(browser, response.json()["request_uri"]))


def test_what_stands_beside_it_counts_for_nothing() -> None:
    browser = Browser("owner")
    beside = {
        "scope": "openid email",
        "response_type": "code",
        "state": "outside",
        "nonce": "outside",
        "ui_locales": "de",
    }
    answer = redirected(browser.answer(ask(browser, request_object(state=None), **beside, redirect_uri="https://x/")))
    assert "state" not in answer
    pushed = push(request_object(nonce=None, state=None), state="outside", redirect_uri="https://evil.example/")
    assert "state" not in redirected(begin(browser, pushed.json()["request_uri"]))


@pytest.mark.parametrize("scope", ["openid", "email openid", "openid phone"])
def test_the_scope_beside_it_says_only_that_somebody_signs_in(scope: str) -> None:
    """OpenID Connect Core 1.0 section 6.1 wants `openid` there even where the object asks for more."""
    browser = Browser("owner")
    answer = redirected(browser.answer(ask(browser, request_object(), scope=scope, response_type="code")))
    assert App("web").exchange(answer["code"]).json()["scope"] == "openid email"
    assert push(request_object(), scope=scope).status_code == 201


@pytest.mark.parametrize("beside", [{"response_type": "token"}, {"client_id": "spa"}], ids=lambda one: next(iter(one)))
def test_what_stands_in_both_places_says_the_same(beside: dict[str, str]) -> None:
    refused = ask(Browser("owner"), request_object(), **beside)
    assert refused.status_code == 400 or redirected(refused)["error"] == "invalid_request_object"


def test_it_stays_signed_however_long_somebody_takes() -> None:
    """The way back to the request is the object, so nothing is taken out of it and sent in clear."""
    sent_on = ask(Browser(), request_object(login_hint="owner", state="s" * 2_000))
    assert KeptRequest.objects.count() == 1
    assert "login_hint=owner" in sent_on["Location"], "what the object says is honoured"
    browser = Browser("owner")
    page = ask(browser, request_object(prompt="consent"))
    assert "request=" in page.content.decode().partition('action="')[2].partition('"')[0]
    assert "scope=" not in page.content.decode().partition('action="')[2].partition('"')[0]
    assert redirected(browser.answer(page))["code"]


def test_a_posted_request_goes_on_with_the_object() -> None:
    form = urlencode({"client_id": "web", "request": request_object(), "state": "outside"})
    sent_on = Http().post("/oauth2/authorize", form, content_type="application/x-www-form-urlencoded")
    assert sent_on.status_code == 303
    browser = Browser("owner")
    assert redirected(browser.answer(browser.http.get(sent_on["Location"])))["state"] == "the-state"


def test_its_parameters_are_validated_like_any_others() -> None:
    answered = redirected(ask(Browser("owner"), request_object(scope="nonsense")))
    assert (answered["error"], answered["state"]) == ("invalid_scope", "the-state")
    page = ask(Browser("owner"), request_object(redirect_uri="https://evil.example/"), redirect_uri=WEB_CB)
    assert (page.status_code, "Location" in page) == (400, False)
    assert redirected(ask(Browser(), request_object(prompt="none")))["error"] == "login_required"
    silent = ask(Browser(), request_object(prompt="none", response_mode="form_post"))
    assert 'name="error" value="login_required"' in silent.content.decode()


def test_a_public_client_may_sign_too() -> None:
    token = signed(
        KEYS["ES256"], "ES256", claims(iss="spa", client_id="spa", redirect_uri="https://spa.acme.example/cb")
    )
    assert ask(Browser("owner"), token, client_id="spa").status_code == 200
    assert push(token, "spa").status_code == 201


# --- What is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt", "", "x"])
def test_another_type_is_refused(typ: str) -> None:
    if typ:
        assert refusal(request_object(typ=typ)) == "invalid_request_object"


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "sibling"},
        {"iss": None},
        {"aud": "https://other.example"},
        {"aud": None},
        {"exp": 1_000_000_000},
        {"sub": "web"},
        {"scope": ["openid"]},
        {"request": "a.b.c"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    ],
    ids=str,
)
def test_what_it_says_has_to_hold(more: dict[str, Any]) -> None:
    assert refusal(request_object(**more)) == "invalid_request_object"


def test_it_ends_when_it_says_so() -> None:
    token = request_object(exp=int(timezone.now().timestamp()) + 60)
    assert ask(Browser("owner"), token).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        assert refusal(token) == "invalid_request_object"


def test_another_key_signed_nothing() -> None:
    assert refusal(request_object(key=OTHERS["ES256"])) == "invalid_request_object"
    head, body, proof = request_object().split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(scope="openid")).encode()).rstrip(b"=").decode()
    assert refusal(f"{head}.{other}.{proof}") == "invalid_request_object"
    assert refusal(f"{head}.{body}.") == "invalid_request_object"


def test_none_is_no_signature() -> None:
    texts = [json.dumps(one).encode() for one in ({"alg": "none"}, claims())]
    parts = [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in texts]
    assert refusal(".".join([*parts, ""])) == "invalid_request_object"


def test_of_a_client_without_keys_none_is_read() -> None:
    Client.objects.update(jwks=None)
    answered = redirected(ask(Browser("owner"), request_object(), redirect_uri=WEB_CB, response_type="code"))
    assert answered["error"] == "request_not_supported"


def test_beside_a_reference_there_is_none() -> None:
    pushed = push(request_object())
    assert pushed.status_code == 201
    assert push(request_object(), request_uri=pushed.json()["request_uri"]).json()["error"] == "invalid_request"
    answered = redirected(ask(Browser("owner"), request_object(), request_uri="https://x/", redirect_uri=WEB_CB))
    assert answered["error"] == "invalid_request_object"


# --- Who has to sign -----------------------------------------------------------------------------------------------


def test_who_has_to_sign_is_not_heard_otherwise() -> None:
    Client.objects.filter(client_id="web").update(request_object_signing_alg="EdDSA")
    assert redirected(Browser("owner").authorize("web"))["error"] == "invalid_request"
    plain = {name: value for name, value in claims().items() if name not in ("iss", "aud")}
    unsigned = App("web").post("/oauth2/par", plain)
    assert (unsigned.status_code, unsigned.json()["error"]) == (400, "invalid_request")
    assert refusal(request_object("ES256")) == "invalid_request_object", "it said what it signs with"
    browser = Browser("owner")
    assert redirected(browser.answer(ask(browser, request_object("EdDSA"))))["code"]
    reference = push(request_object("EdDSA")).json()["request_uri"]
    assert redirected(begin(browser, reference))["code"]


def test_where_the_profile_holds_it_says_until_when_and_is_not_signed_weakly() -> None:
    """FAPI 2.0 Message Signing section 5.3.1: `nbf` and `exp`, an hour at most; rule F3: no RS256."""
    Client.objects.filter(client_id="web").update(profile="fapi2")
    web, now = find_client("web"), int(timezone.now().timestamp())
    assert web is not None
    good = {"nbf": now, "exp": now + 300}

    def fault(algorithm: str = "ES256", dates: Mapping[str, int] = good) -> object:
        more: dict[str, Any] = dict(dates)
        token = request_object(algorithm, **more)
        return request_objects.opened(Params([("client_id", "web"), ("request", token)])).wrapped.fault

    assert fault() is None
    assert fault("EdDSA") is None
    assert isinstance(fault("RS256"), InvalidRequestObject)
    dated: tuple[Mapping[str, int], ...] = (
        {},
        {"nbf": now},
        {"exp": now + 300},
        {**good, "nbf": now - 4_000},
        {**good, "exp": now + 4_000},
    )
    for bad in dated:
        assert isinstance(fault(dates=bad), InvalidRequestObject), bad


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode() + "..") | st.just("a.b.c"))
def test_no_object_is_a_fault_of_ours(token: str) -> None:
    assert ask(Browser(), token).status_code < 500
    assert ask(Browser(), token, redirect_uri=WEB_CB, scope="openid").status_code < 500
    assert push(token).status_code in (400, 401)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from([*claims(), "exp", "nbf", "claims", "max_age", "prompt", "resource", "response_mode"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2),
        max_size=3,
    )
)
def test_nothing_that_is_signed_is_a_fault_of_ours(more: dict[str, Any]) -> None:
    token = signed(KEYS["ES256"], "ES256", {**claims(), **more}, typ=TYPE)
    assert ask(Browser("owner"), token).status_code < 500
    assert push(token).status_code in (201, 400)


# --- The key of the tokens -------------------------------------------------------------------------------------------


def test_the_proof_beside_a_pushed_request_object_binds_its_code() -> None:
    """D11, F12: nothing beside it is read, but what the request proves."""
    holder, other = Holder(), Holder()
    par = f"{ISSUER}/oauth2/par"
    form = {"request": request_object()}
    answer = App("web").post("/oauth2/par", form, HTTP_DPOP=holder.proof(par))
    browser = Browser("owner")
    code = redirected(browser.answer(begin(browser, answer.json()["request_uri"])))["code"]
    assert App("web").exchange_with(code, HTTP_DPOP=other.proof()).json()["error"] == "invalid_grant"
    assert App("web").exchange_with(code, HTTP_DPOP=holder.proof()).json()["token_type"] == "DPoP"
    named = {"request": request_object(dpop_jkt=other.jkt)}
    refused = App("web").post("/oauth2/par", named, HTTP_DPOP=holder.proof(par))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
