"""The token endpoint: what is not offered, what a refusal carries, and what nobody can smuggle in."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from clients.models import AccessToken, Client, Grant, SecurityEvent, SigningKey
from provider.endpoints.http import headers_of, refusal_answer
from provider.protocol.errors import InvalidClient, InvalidScope, InvalidTarget, TooManyGuesses
from tests.world import ORDERS, VERIFIER, App, Browser, basic, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


# --- Refusals on the wire ------------------------------------------------------------------------------------------


def test_a_refusal_keeps_its_code_status_and_sentence() -> None:
    answer = refusal_answer(InvalidTarget("Not allowed."))
    assert (answer.status, json.loads(answer.body)) == (
        400,
        {"error": "invalid_target", "error_description": "Not allowed."},
    )


def test_headers_follow_from_the_refusal() -> None:
    assert headers_of(InvalidScope("x")) == headers_of(InvalidClient()) == {}
    assert headers_of(InvalidClient(challenge=True))["WWW-Authenticate"].startswith("Basic realm=")
    assert headers_of(TooManyGuesses(300)) == {"Retry-After": "300"}


def test_every_answer_of_the_token_endpoint_is_json_that_no_cache_keeps() -> None:
    app = App("web")
    for response in (
        app.token(grant_type="client_credentials"),
        app.token(grant_type="client_credentials", audience="nobody"),
        app.token(grant_type="password"),
        app.post("/oauth2/token", {"grant_type": "refresh_token"}, auth=basic("web", "wrong")),
        app.token(),
    ):
        assert response["Content-Type"] == "application/json"
        assert response["Cache-Control"] == "no-store"
        assert response.json()


def test_a_failed_header_is_challenged_as_basic() -> None:
    response = App("web").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("web", "wrong"))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response["WWW-Authenticate"].startswith("Basic ")
    in_body = App("web").post(
        "/oauth2/token",
        {"grant_type": "client_credentials", "client_id": "web", "client_secret": "wrong"},
        auth="",
    )
    assert in_body.status_code == 401
    assert "WWW-Authenticate" not in in_body


# --- What is not offered -------------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    "grant_type",
    [
        *("password", "implicit", "Authorization_code", "refresh-token", "none", "openid", "é", "x" * 5000),
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ],
)
def test_other_grant_types_are_unsupported(grant_type: str) -> None:
    response = App("web").token(grant_type=grant_type, username="owner", password="owner-pw", code="x")
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")


def test_a_missing_grant_type_is_an_invalid_request() -> None:
    for params in ({}, {"grant_type": ""}):
        response = App("web").token(**params)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("client_id", "params"),
    [
        ("service", {"grant_type": "authorization_code", "code": "x"}),
        ("service", {"grant_type": "refresh_token", "refresh_token": "x"}),
        ("desk", {"grant_type": "client_credentials"}),
    ],
)
def test_a_grant_type_the_client_has_not_registered_is_unauthorized(client_id: str, params: dict[str, str]) -> None:
    response = App(client_id).token(**params)
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")
    assert response.json()["error_description"] == "The client has not registered this grant type."


def test_a_public_client_has_no_credentials_to_use() -> None:
    response = App("spa").token(grant_type="client_credentials")
    assert response.status_code == 400
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("missing", ["code", "refresh_token"])
@pytest.mark.parametrize("value", [None, "", "unknown", "é", "x" * 10_000])
def test_a_missing_or_unknown_code_or_token_is_refused(missing: str, value: str | None) -> None:
    grant_type = {"code": "authorization_code", "refresh_token": "refresh_token"}[missing]
    response = App("web").token(grant_type=grant_type, redirect_uri="https://web.acme.example/cb", **{missing: value})
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_grant", "invalid_request")


@pytest.mark.parametrize(
    ("client_id", "params", "missing"),
    [
        ("web", {"scope": "openid"}, "grant_type"),
        ("web", {"grant_type": "authorization_code"}, "code"),
        ("web", {"grant_type": "refresh_token"}, "refresh_token"),
        ("nobody", {"grant_type": "authorization_code"}, "code"),  # told before anybody is authenticated
    ],
)
def test_what_is_missing_is_named(client_id: str, params: dict[str, str], missing: str) -> None:
    answer = App(client_id).token(**params)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_request", "error_description": f"{missing} is missing."},
    )


def test_a_client_with_several_redirect_uris_is_told_to_name_one() -> None:
    answer = App("native").exchange(Browser("owner").code("native"), redirect_uri=None).json()
    assert answer == {"error": "invalid_request", "error_description": "redirect_uri is missing."}


@pytest.mark.parametrize("scope", [None, "openid"])
def test_a_redirect_uri_that_was_named_is_named_again_whatever_else_is_asked(scope: str | None) -> None:
    answer = App("web").exchange(Browser("owner").code("web"), redirect_uri=None, scope=scope).json()
    assert answer["error"] == "invalid_grant"
    assert answer["error_description"] == "redirect_uri is not the one of the authorization request."


# --- Nobody smuggles -----------------------------------------------------------------------------------------------

OURS = ("decided", "opened", "minted", "client", "user", "authorize", "choice", "scopes", "headers", "_params")


@pytest.mark.any_database
@pytest.mark.parametrize("name", OURS)
def test_a_parameter_named_like_our_own_state_is_ignored(name: str) -> None:
    code = redirected(_allowed(Browser("owner"), **{name: "1"}))["code"]
    answer = App("web").exchange(code, **{name: "1"})
    assert answer.status_code == 200, answer.content
    assert App("web").token(grant_type="client_credentials", **{name: "1"}).status_code == 200


def _allowed(browser: Browser, **params: Any) -> Any:
    response = browser.authorize("web", **params)
    return browser.answer(response) if response.status_code == 200 else response


# --- Faults --------------------------------------------------------------------------------------------------------


def test_without_a_signing_key_nothing_is_used_up() -> None:
    code = Browser("owner").code("web")
    keys = list(SigningKey.objects.all())
    SigningKey.objects.all().delete()
    response = App("web").exchange(code)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert Grant.objects.get().used_at is None
    SigningKey.objects.bulk_create(keys)
    assert App("web").exchange(code).status_code == 200


# --- Events and logs -----------------------------------------------------------------------------------------------


def test_a_target_refused_to_an_authenticated_client_is_on_record_and_only_its_beginning() -> None:
    App("web").token(grant_type="client_credentials", audience="x" * 2000)
    (event,) = SecurityEvent.objects.filter(kind="token.cross_client_refused")
    assert event.detail["audience"] == "x" * 255


def test_nobody_fills_the_record_in_a_clients_name() -> None:
    """An authorization request needs no authentication: it must not write."""
    Browser("").authorize("web", audience="stranger")
    Browser("owner").authorize("web", audience="stranger")
    assert not SecurityEvent.objects.filter(client_id="web").exists()


def test_other_refusals_are_no_event() -> None:
    App("web").token(grant_type="client_credentials", audience="https://else.example")
    assert not SecurityEvent.objects.filter(kind__startswith="token.").exists()


class Everything(logging.Handler):
    """Keeps whatever anybody logs, arguments included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.kept = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.kept += f"{record.getMessage()} {record.args!r} {record.exc_info!r}\n"


@pytest.fixture
def logged() -> Any:
    handler, root = Everything(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_no_secret_code_token_or_verifier_is_ever_logged(logged: Everything, token_format: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=token_format)
    browser, app = Browser("owner"), App("web")
    code = browser.code("web", scope="openid email offline_access orders.read", audience=ORDERS)
    answer = app.exchange(code).json()
    again = app.refresh(answer["refresh_token"], audience="sibling").json()
    own_token = app.token(grant_type="client_credentials").json()["access_token"]
    app.userinfo(answer["access_token"])
    app.introspect(answer["access_token"])
    app.refresh(answer["refresh_token"], audience="stranger")
    app.exchange(code)
    app.post("/oauth2/revoke", {"token": own_token})
    app.post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("web", "the-wrong-secret"))
    secrets = [code, own_token, VERIFIER, "web-secret", "the-wrong-secret", basic("web", "web-secret").split()[1]]
    for one in (answer, again):
        secrets += [value for name, value in one.items() if name.endswith("_token")]
    assert logged.kept, "something was logged at all"
    assert [secret[:12] for secret in secrets if secret in logged.kept] == []
