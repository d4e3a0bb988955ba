"""Pushed authorization requests (RFC 9126), rule by rule: P1 to P10, and those of FAPI 2.0 that speak of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client as Http
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clients.models import AccessToken, Client, Grant, PushedRequest
from common.counters import Limit
from idp.discovery import metadata
from projects.models import Project
from provider import pushed_requests
from provider.endpoints import par
from provider.protocol.request import Params
from tests.provider.proving import Holder
from tests.world import CHALLENGE, ISSUER, ORDERS, REDIRECTS, WEB_CB, App, Browser, Response, basic, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
FORM = "application/x-www-form-urlencoded"
PATH = "/oauth2/par"


def asked(client_id: str = "web", **params: Any) -> dict[str, Any]:
    request = {
        "response_type": "code",
        "redirect_uri": REDIRECTS[client_id],
        "scope": "openid",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **params,
    }
    return {name: value for name, value in request.items() if value is not None}


def push(client_id: str = "web", **params: Any) -> Response:
    return App(client_id).post(PATH, asked(client_id, **params))


def pushed(client_id: str = "web", **params: Any) -> str:
    response = push(client_id, **params)
    assert response.status_code == 201, response.content
    return str(response.json()["request_uri"])


def begin(browser: Browser, reference: str, client_id: str = "web", **more: str) -> Response:
    return browser.http.get(
        "/oauth2/authorize?" + urlencode({"client_id": client_id, "request_uri": reference, **more})
    )


def refused(response: Response, error: str = "invalid_request", status: int = 400) -> str:
    assert response.status_code == status, response.content
    assert response["Cache-Control"] == "no-store"
    assert response.json()["error"] == error
    return str(response.json()["error_description"])


def is_page_that_leads_nowhere(response: Response) -> None:
    assert (response.status_code, "Location" in response) == (400, False)
    assert "This link does not work any more" in response.content.decode()


# --- Pushing -------------------------------------------------------------------------------------------------------


def test_p3_what_is_answered() -> None:
    response = push()
    assert (response.status_code, response["Cache-Control"]) == (201, "no-store")
    answer = response.json()
    assert answer.keys() == {"request_uri", "expires_in"}
    assert re.fullmatch(r"urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}", answer["request_uri"])
    assert 60 <= answer["expires_in"] <= 90
    assert pushed() != answer["request_uri"]


def test_p1_the_client_authenticates_as_at_the_token_endpoint() -> None:
    refused(App("web").post(PATH, asked(), auth=basic("web", "wrong")), "invalid_client", 401)
    refused(App("web").post(PATH, asked(), auth=""), "invalid_client", 401)
    refused(App("retired").post(PATH, asked("retired")), "invalid_client", 401)
    assert App("web").post(PATH, {**asked(), "client_id": "web", "client_secret": "web-secret"}, auth="").json()
    assert not PushedRequest.objects.exclude(client_id="web").exists()


def test_a_public_client_pushes_too() -> None:
    assert push("spa").status_code == 201
    browser = Browser("owner")
    code = redirected(browser.answer(begin(browser, pushed("spa"), "spa")))["code"]
    assert App("spa").exchange(code).status_code == 200


def test_p1_a_request_uri_inside_is_refused() -> None:
    refused(push(request_uri=pushed()))


@pytest.mark.parametrize("path", ["/oauth2/par", "/oauth2/par/", "/openid/par"])
def test_p1_other_methods_are_refused(path: str) -> None:
    response = Http().get(path)
    refused(response, status=405)
    assert response["Allow"] == "POST"


def test_p1_what_is_too_large_is_told_so() -> None:
    refused(push(login_hint="x" * 70_000), status=413)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_p1_only_forms_are_read(content_type: str) -> None:
    sent = Http().post(PATH, '{"client_id": "web"}', content_type=content_type)
    refused(sent)


def test_a_browser_of_any_origin_may_push() -> None:
    assert push("spa")["Access-Control-Allow-Origin"] == "*"
    assert Http().options(PATH)["Access-Control-Allow-Methods"] == "POST"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "pigeon"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://web.acme.example/new"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"audience": "https://elsewhere.example/"}, "invalid_target"),
        ({"resource": "relative"}, "invalid_target"),
        ({"audience": "stranger"}, "invalid_audience"),
        ({"claims": "{"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "pigeon"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
        ({"state": "s" * 4097}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
    ],
)
def test_p2_all_of_it_is_validated_now_and_only_the_app_hears_of_it(params: dict[str, Any], error: str) -> None:
    refused(push(**params), error)
    assert not PushedRequest.objects.exists()


def test_p2_a_client_that_needs_pkce_hears_so_when_it_pushes() -> None:
    assert "code_challenge is required" in refused(push("spa", code_challenge=None, code_challenge_method=None))


def test_who_proved_to_be_one_client_pushes_nothing_for_another() -> None:
    assert "client_id" in refused(App("web").post(PATH, {**asked(), "client_id": "sibling"}))


def test_p2_nothing_is_sent_twice() -> None:
    pairs = [*asked().items(), ("scope", "email")]
    refused(App("web").post(PATH, pairs))


def test_p10_an_address_that_is_not_registered_is_refused_whoever_asks() -> None:
    assert "not registered" in refused(push(redirect_uri="https://web.acme.example/cb/new"))


def test_what_is_kept_is_sealed_and_holds_no_secret() -> None:
    sent = {**asked(login_hint="owner@people.example"), "client_id": "web", "client_secret": "web-secret"}
    reference = App("web").post(PATH, sent, auth="").json()["request_uri"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM clients_pushedrequest")
        kept = str(cursor.fetchall())
    assert "people" not in kept
    assert reference.rpartition(":")[2] not in kept
    opened = pushed_requests.opened(params_of(reference), lambda _key: False)
    assert not {"client_secret", "client_assertion"} & {name for name, _value in opened}
    assert opened.one("login_hint") == "owner@people.example"


def params_of(reference: str, client_id: str = "web") -> Any:
    return Params([("client_id", client_id), ("request_uri", reference)])


def test_a_client_keeps_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushed_requests, "MAX_PER_CLIENT", 3)
    for _number in range(3):
        pushed("spa")
    too_many = push("spa")
    refused(too_many, "temporarily_unavailable", 503)
    assert too_many["Retry-After"]
    assert push("web").status_code == 201, "another client has room of its own"
    with time_machine.travel(timezone.now() + timedelta(seconds=91)):
        assert push("spa").status_code == 201, "what has expired makes room"
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        pushed("spa")
        assert PushedRequest.objects.filter(client_id="spa").count() == 1, "and leaves in the end"


def test_one_network_cannot_take_all_places_of_a_public_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may speak in its name; who proves a name is not held up by others of the network."""
    monkeypatch.setattr(par, "PER_NETWORK", Limit("few", 2, 60))
    for _number in range(2):
        pushed("spa")
        pushed("web")
    too_many = push("spa")
    refused(too_many, "temporarily_unavailable", 429)
    assert int(too_many["Retry-After"]) > 0
    assert push("web").status_code == 201
    elsewhere = App("spa", Http(REMOTE_ADDR="198.51.100.9"))
    assert elsewhere.post(PATH, asked("spa")).status_code == 201
    assert PushedRequest.objects.filter(client_id="spa").count() == 3


@pytest.mark.parametrize("more", ["".join(f"&x{number}=1" for number in range(92)), "&x=" + "(" * 30_000])
def test_what_could_not_be_read_again_is_refused_at_once(more: str) -> None:
    """Who proved a key and a name adds two parameters, and escaped texts are longer than they came."""
    http = Http(HTTP_AUTHORIZATION=basic("web", "web-secret"), HTTP_DPOP=Holder().proof(f"{ISSUER}{PATH}"))
    response = http.post(PATH, urlencode(asked()) + more, content_type=FORM)
    refused(response, status=response.status_code)
    assert not PushedRequest.objects.exists()


# --- Coming with it ------------------------------------------------------------------------------------------------


def test_a_pushed_request_signs_in() -> None:
    browser = Browser("owner")
    page = begin(browser, pushed(scope="openid email", audience=ORDERS))
    assert "Orders" in page.content.decode()
    answer = redirected(browser.answer(page))
    assert (answer["state"], answer["iss"]) == ("the-state", ISSUER)
    tokens = App("web").exchange(answer["code"]).json()
    assert tokens["scope"] == "openid email"
    assert App("web").introspect(tokens["access_token"]).json()["aud"] == ORDERS


def test_p4_it_is_bound_to_its_client() -> None:
    reference = pushed()
    for other in ("spa", "sibling", "nobody", ""):
        is_page_that_leads_nowhere(begin(Browser("owner"), reference, other))
    assert begin(Browser("owner"), reference).status_code == 200


@pytest.mark.parametrize("ending", ["", "x", "x" * 43, "é", "x" * 3_000])
def test_p4_what_nobody_was_given_leads_nowhere(ending: str) -> None:
    is_page_that_leads_nowhere(begin(Browser("owner"), pushed_requests.PREFIX + ending, redirect_uri=WEB_CB))


def test_p4_what_expired_before_anybody_came_leads_nowhere() -> None:
    reference = pushed()
    with time_machine.travel(timezone.now() + timedelta(seconds=91)):
        is_page_that_leads_nowhere(begin(Browser("owner"), reference))


def test_a_request_by_reference_that_is_no_pushed_one_is_refused_by_name() -> None:
    answer = redirected(Browser("owner").authorize("web", request_uri="https://web.acme.example/request"))
    assert answer["error"] == "request_uri_not_supported"


@pytest.mark.parametrize("who", ["owner", ""])
def test_p5_who_began_in_time_may_take_as_long_as_a_sign_in_takes(who: str) -> None:
    browser, reference = Browser(who), pushed()
    begin(browser, reference)
    with time_machine.travel(timezone.now() + timedelta(minutes=14)):
        assert begin(browser, reference).status_code in (200, 302), "loading it again is fine"
        is_page_that_leads_nowhere(begin(Browser("owner"), reference))
    with time_machine.travel(timezone.now() + timedelta(minutes=17)):
        is_page_that_leads_nowhere(begin(browser, reference))


def test_p5_loading_again_makes_no_time_longer() -> None:
    browser, reference = Browser("owner"), pushed()
    for minutes in (0, 7, 14):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
            assert begin(browser, reference).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=30)):
        is_page_that_leads_nowhere(begin(browser, reference))


def test_p5_a_slow_person_signs_in_and_gets_through() -> None:
    browser = Browser()
    sent_on = begin(browser, pushed())
    address = sent_on["Location"]
    assert urlsplit(address).path == "/accounts/login/"
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        here = browser.http.get(address).context["redirect_field_value"]
        back = browser.http.post("/accounts/login/", {"login": "owner", "password": "owner-pw", "next": here})
        page = browser.http.get(back["Location"])
        assert App("web").exchange(redirected(browser.answer(page))["code"]).status_code == 200


def test_p5_it_survives_a_change_of_the_account() -> None:
    browser, reference = Browser("member"), pushed(prompt="select_account")
    here = begin(browser, reference)["Location"]
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        login = browser.http.post(here)["Location"]
        following = browser.http.get(login).context["redirect_field_value"]
        back = browser.http.post("/accounts/login/", {"login": "owner", "password": "owner-pw", "next": following})
        assert browser.http.get(back["Location"]).context["person"].username == "owner"


def test_p6_f8_it_is_used_up_by_the_code_and_not_before() -> None:
    browser, reference = Browser("owner"), pushed()
    page = begin(browser, reference)
    assert begin(browser, reference).status_code == 200, "a reload"
    assert redirected(browser.answer(page))["code"]
    is_page_that_leads_nowhere(begin(browser, reference))
    is_page_that_leads_nowhere(browser.answer(page))
    assert Grant.objects.count() == 1


def test_p6_an_app_that_may_not_show_a_page_may_come_again_after_an_error() -> None:
    reference = pushed(prompt="none")
    assert redirected(begin(Browser(), reference))["error"] == "login_required"
    assert redirected(begin(Browser("owner"), reference))["error"] == "consent_required"


def test_who_denied_has_answered() -> None:
    browser, reference = Browser("owner"), pushed()
    assert redirected(browser.answer(begin(browser, reference), "deny"))["error"] == "access_denied"
    is_page_that_leads_nowhere(begin(browser, reference))


def test_f4_p7_what_stands_beside_it_is_not_read() -> None:
    browser = Browser("owner")
    beside = {
        "scope": "openid email phone",
        "redirect_uri": "https://evil.example/",
        "state": "another",
        "response_type": "token",
        "audience": "https://elsewhere.example/",
        "prompt": "none",
        "ui_locales": "de",
        "kept": "x",
    }
    page = begin(browser, pushed(), **beside)
    assert page["Content-Language"] == "en"
    answer = redirected(browser.answer(page))
    assert answer["state"] == "the-state"
    assert App("web").exchange(answer["code"]).json()["scope"] == "openid"


def test_f16_the_order_of_scopes_is_no_matter() -> None:
    browser = Browser("owner")
    code = redirected(browser.answer(begin(browser, pushed(scope="email openid"))))["code"]
    assert set(App("web").exchange(code).json()["scope"].split()) == {"openid", "email"}


@pytest.mark.parametrize("params", [{"state": None}, {"nonce": None}, {"state": "s" * 1_200}, {"nonce": "n" * 64}])
def test_f14_state_and_nonce_are_as_long_as_apps_make_them(params: dict[str, Any]) -> None:
    browser = Browser("owner")
    answer = redirected(browser.answer(begin(browser, pushed(**params))))
    assert answer.get("state") == asked(**params).get("state")


def test_the_language_of_the_request_is_spoken() -> None:
    assert begin(Browser("owner"), pushed(ui_locales="de"))["Content-Language"] == "de"


def test_a_fresh_sign_in_is_asked_for_once() -> None:
    browser, reference = Browser("owner"), pushed(prompt="login")
    asks = begin(browser, reference)
    assert urlsplit(asks["Location"]).path == "/accounts/reauthenticate/"
    here = browser.http.get(asks["Location"]).context["redirect_field_value"]
    back = browser.http.post("/accounts/reauthenticate/", {"password": "owner-pw", "next": here})
    assert browser.http.get(back["Location"]).status_code == 200


def test_a_reference_may_be_posted() -> None:
    form = urlencode({"client_id": "web", "request_uri": pushed()})
    sent_on = Http().post("/oauth2/authorize", form, content_type=FORM)
    assert sent_on.status_code == 303
    assert Browser("owner").http.get(sent_on["Location"]).context["client_name"] == "Acme web"


def test_what_changed_since_counts() -> None:
    reference = pushed(scope="openid email")
    Client.objects.filter(client_id="web").update(enabled=False)
    assert begin(Browser("owner"), reference).status_code == 400
    Client.objects.filter(client_id="web").update(enabled=True, redirect_uris="https://web.acme.example/moved")
    assert begin(Browser("owner"), reference).status_code == 400


# --- Who has to push -----------------------------------------------------------------------------------------------


@pytest.fixture(params=["client", "project", "deployment"])
def has_to_push(request: pytest.FixtureRequest, settings: Any) -> str:
    if request.param == "client":
        Client.objects.filter(client_id="web").update(require_pushed_authorization_requests=True)
    elif request.param == "project":
        Project.objects.filter(key="acme").update(require_pushed_authorization_requests=True)
    else:
        settings.IDP_REQUIRE_PUSHED_AUTHORIZATION_REQUESTS = True
    return str(request.param)


def test_p8_f4_who_has_to_push_does_not_ask_through_the_browser(has_to_push: str) -> None:
    answer = redirected(Browser("owner").authorize("web"))
    assert (answer["error"], answer["state"]) == ("invalid_request", "the-state")
    assert "pushed" in answer["error_description"]
    browser = Browser("owner")
    page = begin(browser, pushed())
    assert redirected(browser.answer(page))["code"], "the form of the page, too, leads on with the reference"
    asks_others = Browser("owner").authorize("stranger").status_code == 200
    assert asks_others is (has_to_push != "deployment")


def test_p8_the_metadata_of_the_deployment_say_so(settings: Any) -> None:
    assert metadata()["pushed_authorization_request_endpoint"] == f"{ISSUER}/oauth2/par"
    assert metadata()["require_pushed_authorization_requests"] is False
    settings.IDP_REQUIRE_PUSHED_AUTHORIZATION_REQUESTS = True
    assert metadata()["require_pushed_authorization_requests"] is True


# --- Nothing that is sent is a fault of ours -----------------------------------------------------------------------


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*asked(), "request", "request_uri", "client_id", "claims", "x"]), st.text()))
def test_no_input_is_a_fault_of_ours(sent: dict[str, str]) -> None:
    response = App("web").post(PATH, {**asked(), **sent})
    assert response.status_code in (201, 400, 401, 413)
    reference = sent.get("request_uri", "")
    assert begin(Browser(), reference, sent.get("client_id", "web")).status_code < 500
    assert not AccessToken.objects.exists()
