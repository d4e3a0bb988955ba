"""What an authorization request may say: one response type, PKCE, nothing twice, nothing silently ignored."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Http

from clients.models import Authorization, Client, Grant
from tests.world import CHALLENGE, ISSUER, VERIFIER, WEB_CB, App, Browser, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
REQUEST = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": WEB_CB,
    "scope": "openid",
    "state": "the-state",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def refusal(client_id: str = "web", /, **params: Any) -> str:
    """The error the client hears of; every one carries state and iss."""
    answer = redirected(Browser("owner").authorize(client_id, **params))
    assert answer["iss"] == ISSUER
    assert answer["state"] == "the-state"
    assert "code" not in answer
    assert answer["error_description"]
    return answer["error"]


def sent(method: str, query: str) -> Any:
    http = Browser("owner").http
    if method == "GET":
        return http.get(f"/oauth2/authorize?{query}")
    return http.post("/oauth2/authorize", query, content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    "params", [{}, {"include_granted_scopes": "true"}, {"audience": "web"}, {"audience": "sibling"}]
)
@pytest.mark.parametrize("scope", [None, "", " "])
def test_who_asks_for_nothing_learns_nothing(scope: str | None, params: dict[str, str]) -> None:
    """RFC 6749 section 3.3. Nobody would be asked, and the code would say who they are."""
    assert refusal(scope=scope, prompt="none", **params) == "invalid_scope"
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("response_type", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("token", "unsupported_response_type"),
        ("id_token", "unsupported_response_type"),
        ("code token", "unsupported_response_type"),
        ("code id_token", "unsupported_response_type"),
        ("code id_token token", "unsupported_response_type"),
        ("none", "unsupported_response_type"),
        ("Code", "unsupported_response_type"),
        ("code code", "unsupported_response_type"),
        ("code ", "unsupported_response_type"),
    ],
)
def test_only_the_response_type_code_is_offered(response_type: Any, error: str) -> None:
    assert refusal(response_type=response_type) == error
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://web.acme.example/request"}, "request_uri_not_supported"),
        ({"response_mode": "nonsense"}, "invalid_request"),
        ({"claims": '{"userinfo": ["email"]}'}, "invalid_request"),
        ({"acr_values": " ".join(f"level{number}" for number in range(21))}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[" * 2000}, "invalid_request"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"access_type": "sometimes"}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"scope": 'openid "quoted"'}, "invalid_scope"),
        ({"scope": " ".join(f"s{number}" for number in range(101))}, "invalid_request"),
        ({"prompt": "nonsense"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1" * 11}, "invalid_request"),
        ({"audience": " ".join(f"https://a{number}.example" for number in range(21))}, "invalid_request"),
        ({"resource": "https://api.acme.example/\t"}, "invalid_request"),
        ({"resource": "http://[::1"}, "invalid_target"),
        ({"resource": "relative"}, "invalid_target"),
    ],
)
def test_what_is_not_honoured_is_refused_by_name(params: dict[str, str], error: str) -> None:
    assert refusal(**params) == error


def test_an_overlong_state_is_not_repeated() -> None:
    answer = redirected(Browser("owner").authorize("web", state="s" * 4097))
    assert (answer["error"], answer["iss"]) == ("invalid_request", ISSUER)


@pytest.mark.parametrize(
    "params",
    [
        {"response_mode": "query"},
        {"request": "", "request_uri": "", "claims": "", "response_mode": ""},
        {"display": "popup", "ui_locales": "de", "claims_locales": "fr", "login_hint": "owner", "acr_values": "a b"},
        {"extra": "unknown parameters are ignored", "decided": "x", "opened": "x", "choice": "x", "client": "x"},
        {"approval_prompt": "auto"},
        {"nonce": None},
        {"state": None},
    ],
)
def test_what_is_harmless_or_unknown_changes_nothing(params: dict[str, Any]) -> None:
    assert Browser("owner").authorize("web", **params).status_code == 200


def test_without_state_there_is_none_in_the_answer_and_always_an_issuer() -> None:
    browser = Browser("owner")
    answer = redirected(browser.answer(browser.authorize("web", state=None)))
    assert set(answer) == {"code", "iss"}
    assert answer["iss"] == ISSUER


def test_state_comes_back_as_it_was_sent() -> None:
    state = "a b&c=d#e%20\u00e9\u20ac\"'<>"
    browser = Browser("owner")
    answer = redirected(browser.answer(browser.authorize("web", state=state)))
    assert answer["state"] == state


def test_unregistered_grant_types_get_no_code() -> None:
    Client.objects.filter(client_id="web").update(grant_types=["client_credentials"])
    assert refusal() == "unauthorized_client"


# --- PKCE (RFC 7636) -----------------------------------------------------------------------------------------------

BAD_CHALLENGES: list[dict[str, Any]] = [
    {"code_challenge_method": "plain"},
    {"code_challenge_method": None},
    {"code_challenge_method": "s256"},
    {"code_challenge": CHALLENGE + "A"},
    {"code_challenge": CHALLENGE[:-1]},
    {"code_challenge": CHALLENGE[:-1] + "="},
    {"code_challenge": CHALLENGE[:-1] + "+"},
    {"code_challenge": CHALLENGE + "\n"},
    {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
    {"code_challenge": None},
]


@pytest.mark.parametrize("params", BAD_CHALLENGES)
@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_only_well_formed_s256_challenges_are_taken(client_id: str, params: dict[str, Any]) -> None:
    assert refusal(client_id, **params) == "invalid_request"


OPTIONAL = [
    *("nonce", "state", "prompt", "max_age", "login_hint", "id_token_hint", "acr_values", "claims", "ui_locales"),
    *("response_mode", "access_type", "include_granted_scopes", "audience", "resource", "request", "request_uri"),
]


@pytest.mark.parametrize("names", [["code_challenge", "code_challenge_method"], OPTIONAL])
def test_empty_parameters_count_as_omitted_however_many_there_are(names: list[str]) -> None:
    """Templates that always write every field (RFC 6749 section 3.1)."""
    browser, app = Browser("owner"), App("web")
    answer = redirected(browser.answer(browser.authorize("web", **dict.fromkeys(names, ""))))
    assert "code" in answer
    form = {"code_verifier": ""} if "code_challenge" in names else {}
    empty = {"audience": "", "resource": "", "scope": "", "client_assertion": "", "client_assertion_type": ""}
    assert app.exchange(answer["code"], **{**empty, **form}).status_code == 200


def test_a_public_client_cannot_do_without_pkce() -> None:
    assert refusal("spa", code_challenge=None, code_challenge_method=None) == "invalid_request"


def test_a_confidential_client_may_unless_it_requires_pkce() -> None:
    assert Browser("owner").authorize("web", code_challenge=None, code_challenge_method=None).status_code == 200
    Client.objects.filter(client_id="web").update(require_pkce=True)
    assert refusal(code_challenge=None, code_challenge_method=None) == "invalid_request"


@pytest.mark.parametrize("method", ["", None])
@pytest.mark.parametrize("challenge", ["", None])
def test_an_empty_challenge_counts_as_none(challenge: str | None, method: str | None) -> None:
    """RFC 6749 section 3.1: a parameter without a value was not sent."""
    params = {"code_challenge": challenge, "code_challenge_method": method}
    assert Browser("owner").authorize("web", **params).status_code == 200
    assert refusal("spa", **params) == "invalid_request"


# --- Nothing twice -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, value in REQUEST.items() if name not in ("client_id", "redirect_uri")]
    + [("nonce", "n"), ("prompt", "login"), ("max_age", "10"), ("id_token_hint", "x"), ("login_hint", "x")]
    + [("request", ""), ("request_uri", ""), ("claims", ""), ("response_mode", "query"), ("access_type", "online")]
    + [("of-nobody", "x")],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_single_valued_parameter_comes_once(name: str, value: str, method: str) -> None:
    for values in ([value, value], [value, ""], ["", value]):
        pairs = [(key, one) for key, one in REQUEST.items() if key != name] + [(name, one) for one in values]
        answer = redirected(sent(method, urlencode(pairs)))
        assert "code" not in answer
        assert answer["iss"] == ISSUER
        assert answer["error"] == "invalid_request"
        assert answer["error_description"] == f"{name} was sent more than once."
        assert name == "state" or answer["state"] == "the-state"
    assert not Authorization.objects.exists()


def test_audience_and_resource_may_repeat() -> None:
    api = "https://api.acme.example/orders"
    page = Browser("owner").authorize("web", audience=[api, api + "/1"], resource=[api, api])
    assert page.status_code == 200


# --- GET and POST --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/oauth2/authorize", "/oauth2/authorize/", "/openid/authorize"])
def test_a_posted_request_goes_on_as_a_get(path: str) -> None:
    browser = Browser("owner", Http(enforce_csrf_checks=True))
    answer = browser.http.post(path, urlencode(REQUEST), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 303
    assert answer["Location"].startswith(path + "?")
    assert not Authorization.objects.exists()
    assert browser.http.get(answer["Location"]).status_code == 200


def test_a_posted_request_with_an_error_is_answered_303_at_the_client() -> None:
    sent = urlencode({**REQUEST, "scope": "nonsense"})
    answer = Http().post("/oauth2/authorize", sent, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 303
    assert redirected(answer)["error"] == "invalid_scope"


@pytest.mark.parametrize("prompt", ["", "none"])
def test_a_posted_request_too_long_for_a_uri_is_refused_at_the_client(prompt: str) -> None:
    sent = urlencode({**REQUEST, "prompt": prompt, "login_hint": "x" * 7000})
    answer = Http().post("/oauth2/authorize", sent, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 303
    assert (redirected(answer)["error"], redirected(answer)["state"]) == ("invalid_request", "the-state")


def test_a_post_keeps_its_parameters_out_of_the_uri() -> None:
    answer = Http().post("/oauth2/authorize?" + urlencode(REQUEST), content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, "Location" in answer) == (400, False)


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_other_methods_are_not_allowed(method: str) -> None:
    assert getattr(Http(), method)("/oauth2/authorize?" + urlencode(REQUEST)).status_code == 405


def test_no_answer_with_a_code_is_kept_by_a_cache() -> None:
    browser = Browser("owner")
    page = browser.authorize("web")
    answer = browser.answer(page)
    assert page["Cache-Control"] == answer["Cache-Control"] == "no-store"
    assert browser.authorize("web", scope="nonsense")["Cache-Control"] == "no-store"
    assert browser.authorize("nobody")["Cache-Control"] == "no-store"
    assert App("web").exchange(redirected(answer)["code"])["Cache-Control"] == "no-store"
