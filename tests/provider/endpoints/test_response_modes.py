"""Answers by every response mode: codes and errors, in the address, in a form, and as one JWT (JARM)."""

from __future__ import annotations

import re
import time
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import pytest
from django.test import Client as Http
from jwcrypto import jwk, jws

from clients.models import Client, SigningKey
from common.jws import ALGORITHMS
from tests.world import ISSUER, WEB_CB, App, Browser, Response, claims_of, header_of, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]


def form_of(page: Response) -> dict[str, str]:
    """What the page posts, by itself or by its button."""
    assert (page.status_code, page["Cache-Control"]) == (200, "no-store")
    text = page.content.decode()
    action = re.search(r'<form class="card" method="post" action="([^"]*)"', text)
    assert action
    assert unescape(action[1]) == WEB_CB
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', text)
    return {unescape(name): unescape(value) for name, value in fields}


def answer_of(response: Response, way: str) -> dict[str, str]:
    if way == "form_post":
        return form_of(response)
    assert response.status_code in (302, 303)
    url = urlsplit(response["Location"])
    assert response["Location"].startswith(WEB_CB)
    assert not (url.fragment if way == "query" else url.query)
    return dict(parse_qsl(url.query if way == "query" else url.fragment))


def verified(response: dict[str, str], client_id: str = "web") -> dict[str, Any]:
    """What the app does with a signed answer (JARM section 2.4)."""
    assert response.keys() == {"response"}, "everything is inside"
    keys = jwk.JWKSet.from_json(Http().get("/.well-known/jwks.json").content.decode())
    signed = jws.JWS()
    signed.deserialize(response["response"])
    signed.verify(keys.get_key(header_of(response["response"])["kid"]))
    claims = claims_of(response["response"])
    assert (claims.pop("iss"), claims.pop("aud")) == (ISSUER, client_id)
    assert time.time() < claims.pop("exp") <= time.time() + 600
    return claims


PLAIN = [("query", "query"), ("fragment", "fragment"), ("form_post", "form_post")]
SIGNED = [("jwt", "query"), ("query.jwt", "query"), ("fragment.jwt", "fragment"), ("form_post.jwt", "form_post")]


@pytest.mark.parametrize(("mode", "way"), PLAIN)
def test_a_code_arrives(mode: str, way: str) -> None:
    browser = Browser("owner")
    answer = answer_of(browser.answer(browser.authorize("web", response_mode=mode)), way)
    assert (answer["state"], answer["iss"]) == ("the-state", ISSUER)
    assert App("web").exchange(answer["code"]).status_code == 200


@pytest.mark.parametrize(("mode", "way"), SIGNED)
def test_a_code_arrives_signed(mode: str, way: str) -> None:
    browser = Browser("owner")
    said = verified(answer_of(browser.answer(browser.authorize("web", response_mode=mode)), way))
    assert said["state"] == "the-state"
    assert App("web").exchange(said["code"]).status_code == 200


@pytest.mark.parametrize(("mode", "way"), PLAIN)
def test_an_error_arrives(mode: str, way: str) -> None:
    """Of the request, of the sign-in with prompt=none, and of the person."""
    browser = Browser("owner")
    wrong = answer_of(browser.authorize("web", response_mode=mode, scope="nonsense"), way)
    assert (wrong["error"], wrong["state"], wrong["iss"]) == ("invalid_scope", "the-state", ISSUER)
    silent = answer_of(Browser().authorize("web", response_mode=mode, prompt="none"), way)
    assert silent["error"] == "login_required"
    denied = answer_of(browser.answer(browser.authorize("web", response_mode=mode), "deny"), way)
    assert denied["error"] == "access_denied"


@pytest.mark.parametrize(("mode", "way"), SIGNED)
def test_an_error_arrives_signed(mode: str, way: str) -> None:
    silent = verified(answer_of(Browser().authorize("web", response_mode=mode, prompt="none"), way))
    assert silent["error"] == "login_required"
    assert silent["error_description"]
    assert silent["state"] == "the-state"


def test_prompt_none_works_with_a_form() -> None:
    """The page is the answer, and asks nobody anything."""
    browser = Browser("owner")
    browser.code("web")
    answer = form_of(browser.authorize("web", response_mode="form_post", prompt="none"))
    assert App("web").exchange(answer["code"]).status_code == 200


@pytest.mark.parametrize("state", ['"><script>alert(1)</script>', "a&b=c", "é€", "' onfocus='x", "\u202e"])
def test_what_the_app_sent_is_only_text_on_the_page(state: str) -> None:
    page = Browser().authorize("web", response_mode="form_post", prompt="none", state=state)
    assert form_of(page)["state"] == state
    assert "<script>alert" not in page.content.decode()


def test_the_page_is_as_strict_as_the_others_but_for_where_its_form_may_lead() -> None:
    """Chromium applies `form-action` to the redirects of the app, which nobody can list (decision 0137)."""
    page = Browser().authorize("web", response_mode="form_post", prompt="none")
    policy = dict(one.split(" ", 1) for one in page["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert "form-action" not in policy
    assert (
        "'self'"
        in dict(one.split(" ", 1) for one in Http().get("/")["Content-Security-Policy"].split("; "))["form-action"]
    )
    assert "<script>" not in page.content.decode(), "scripts are files of ours"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_it_is_signed_as_the_client_registered(algorithm: str) -> None:
    Client.objects.filter(client_id="web").update(authorization_signed_response_alg=algorithm)
    answer = answer_of(Browser().authorize("web", response_mode="jwt", prompt="none"), "query")
    assert header_of(answer["response"])["alg"] == algorithm
    assert verified(answer)["error"] == "login_required"


def test_a_signed_answer_is_no_token() -> None:
    browser = Browser("owner")
    answer = answer_of(browser.answer(browser.authorize("web", response_mode="jwt")), "query")["response"]
    assert App("web").userinfo(answer).status_code == 401
    assert App("web").introspect(answer).json() == {"active": False}
    assert App("web").post("/oauth2/tokeninfo", {"id_token": answer}).status_code == 400
    assert redirected(browser.authorize("web", id_token_hint=answer))["error"] == "invalid_request"


def test_without_a_key_nobody_is_sent_anywhere() -> None:
    SigningKey.objects.all().delete()
    page = Browser("owner").authorize("web", response_mode="jwt", prompt="none", max_age="0")
    assert (page.status_code, "Location" in page) == (503, False)


@pytest.mark.parametrize("mode", ["nonsense", "JWT", "web_message", "query.jwt.jwt"])
def test_an_unknown_mode_is_refused_by_the_default_one(mode: str) -> None:
    assert redirected(Browser("owner").authorize("web", response_mode=mode))["error"] == "invalid_request"


def test_the_answer_names_the_modes_that_would_do() -> None:
    told = redirected(Browser("owner").authorize("web", response_mode="nonsense"))["error_description"]
    assert " query, " in told
    assert " form_post, " in told
    app = unquote_plus(Browser("owner").authorize("native", response_mode="form_post")["Location"])
    assert "There are query, fragment, query.jwt, fragment.jwt, jwt." in app


def test_a_form_leads_to_no_program_on_the_device() -> None:
    answer = Browser("owner").authorize("native", response_mode="form_post")
    assert answer["Location"].startswith("com.acme.app:/cb?error=invalid_request")
