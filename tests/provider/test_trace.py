"""Every refused request leaves a line and a row, at whichever endpoint; neither holds a value."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Http

from accounts.models import User
from clients.models import RefusedRequest
from tests.world import WEB_CB, App, Browser, basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world"), pytest.mark.any_database]
WRONG_SECRET = basic("web", "canary-secret")


def post(path: str, form: dict[str, str], **extra: Any) -> None:
    App("web").post(path, form, **extra)


def used_code() -> None:
    app, code = App("web"), Browser("owner").code("web")
    app.exchange(code)
    RefusedRequest.objects.all().delete()
    app.exchange(code, code_verifier="another" * 10)


def ended_code() -> None:
    code = Browser("owner").code("web")
    User.objects.filter(username="owner").update(is_active=False)
    App("web").exchange(code)


def refreshed(**params: Any) -> None:
    tokens = Browser("owner").tokens("web", scope="openid offline_access orders.read")
    App("web").refresh(tokens["refresh_token"], **params)


def no_openid() -> None:
    tokens = Browser("owner").tokens("web", scope="orders.read")
    App("web").userinfo(tokens["access_token"])


def denied() -> None:
    browser = Browser("owner")
    browser.answer(browser.authorize("web"), "deny")


CLIENT = {"grant_type": "client_credentials"}
CASES: dict[str, tuple[Callable[[], Any], tuple[str, str, str, str, str]]] = {
    # what is sent: endpoint, grant, client, error, step
    "a wrong secret": (
        lambda: post("/oauth2/token", CLIENT, auth=WRONG_SECRET),
        ("token", "client_credentials", "web", "invalid_client", "client_authentication"),
    ),
    "a client nobody knows": (
        lambda: post("/oauth2/token", CLIENT, auth=basic("nobody", "canary-secret")),
        ("token", "client_credentials", "", "invalid_client", "client_authentication"),
    ),
    "a client that is disabled": (
        lambda: App("retired").token(grant_type="client_credentials"),
        ("token", "client_credentials", "retired", "invalid_client", "client_authentication"),
    ),
    "no grant type": (lambda: post("/oauth2/token", {"x": "y"}), ("token", "", "web", "invalid_request", "token")),
    "a grant type of nobody": (
        lambda: post("/oauth2/token", {"grant_type": "canary"}),
        ("token", "", "web", "unsupported_grant_type", "token"),
    ),
    "a grant type that is not registered": (
        lambda: App("sibling").token(grant_type="client_credentials"),
        ("token", "client_credentials", "sibling", "unauthorized_client", "grant_types"),
    ),
    "an unknown code": (
        lambda: App("web").exchange("canary-code"),
        ("token", "authorization_code", "web", "invalid_grant", "grant"),
    ),
    "a code that was used": (used_code, ("token", "authorization_code", "web", "invalid_grant", "grant")),
    "a code of somebody inactive": (
        ended_code,
        ("token", "authorization_code", "web", "invalid_grant", "last_checks"),
    ),
    "an unknown refresh token": (
        lambda: App("web").refresh("canary-token"),
        ("token", "refresh_token", "web", "invalid_grant", "grant"),
    ),
    "an audience of nobody": (
        lambda: App("service").token(grant_type="client_credentials", audience="https://api.nobody.example"),
        ("token", "client_credentials", "service", "invalid_target", "audience.at_token"),
    ),
    "a scope of nobody": (
        lambda: refreshed(scope="unheard-of"),
        ("token", "refresh_token", "web", "invalid_scope", "scopes.at_token"),
    ),
    "another method": (lambda: Http().get("/oauth2/token"), ("token", "", "", "invalid_request", "token")),
    "parameters in the URI": (
        lambda: Http().post("/oauth2/token?client_secret=canary"),
        ("token", "", "", "invalid_request", "token"),
    ),
    "introspection with a wrong secret": (
        lambda: post("/oauth2/introspect", {"token": "x"}, auth=WRONG_SECRET),
        ("introspect", "", "web", "invalid_client", "client_authentication"),
    ),
    "introspection that is not allowed": (
        lambda: App("blind").introspect("x"),
        ("introspect", "", "blind", "access_denied", "introspect"),
    ),
    "revocation of nothing": (
        lambda: post("/oauth2/revoke", {"x": "y"}),
        ("revoke", "", "web", "invalid_request", "revoke"),
    ),
    "userinfo of an unknown token": (
        lambda: App("web").userinfo("canary-token"),
        ("userinfo", "", "", "invalid_token", "userinfo"),
    ),
    "userinfo without its scope": (no_openid, ("userinfo", "", "web", "insufficient_scope", "userinfo")),
    "tokeninfo of an unknown token": (
        lambda: Http().post(
            "/oauth2/tokeninfo", "access_token=canary", content_type="application/x-www-form-urlencoded"
        ),
        ("tokeninfo", "", "", "invalid_token", "tokeninfo"),
    ),
    "an address that is not registered": (
        lambda: Browser().authorize("web", redirect_uri="https://evil.example/cb?canary"),
        ("authorize", "", "web", "invalid_request", "channel"),
    ),
    "an authorization request of nobody": (
        lambda: Browser().authorize("nobody", redirect_uri=WEB_CB),
        ("authorize", "", "", "invalid_request", "channel"),
    ),
    "a scope that is none": (
        lambda: Browser().authorize("web", scope="unheard-of"),
        ("authorize", "", "web", "invalid_scope", "scopes.at_authorization"),
    ),
    "a silent request of nobody": (
        lambda: Browser().authorize("web", prompt="none"),
        ("authorize", "", "web", "login_required", "prompts"),
    ),
    "what cannot be read": (
        lambda: Http().get("/oauth2/authorize?client_id=%ff"),
        ("authorize", "", "", "invalid_request", "parameters"),
    ),
    "a person who denies": (denied, ("consent", "", "web", "access_denied", "consent")),
    "an unregistered address after signing out": (
        lambda: Http().get("/oauth2/logout?client_id=web&post_logout_redirect_uri=https://evil.example/%3Fcanary"),
        ("logout", "", "web", "invalid_request", "logout"),
    ),
    "a form without its cookie": (
        lambda: Http(enforce_csrf_checks=True).post("/oauth2/consent?client_id=web&state=canary", {"seen": "canary"}),
        ("consent", "", "web", "stale_form", "csrf"),
    ),
    "another host": (
        lambda: Http().get("/oauth2/userinfo", HTTP_HOST="evil.example"),
        ("server", "", "", "invalid_host", "host"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_refused_request_is_a_row_and_a_line(case: str, caplog: pytest.LogCaptureFixture) -> None:
    send, said = CASES[case]
    with caplog.at_level(logging.INFO):
        send()
    row = RefusedRequest.objects.get()
    assert (row.endpoint, row.grant_type, row.client_id, row.error, row.step) == said
    assert (row.network, row.count) == ("127.0.0.1", 1)
    assert row.project == ("acme" if row.client_id else "")
    assert row.description
    assert "canary" not in repr(vars(row))
    lines = [one for one in caplog.records if one.name in ("vestibule.requests", "django.request")]
    fields = [one.fields for one in lines]  # type: ignore[attr-defined]
    if case not in ("another host", "a form without its cookie"):  # Django has a line for these
        assert [(one["endpoint"], one["grant"], one["client"], one["error"], one["step"]) for one in fields[-1:]] == [
            said
        ]
        assert fields[-1]["rid"] == row.request_ids
        assert row.description in lines[-1].getMessage()


STRANGE_ADDRESSES = [
    "https://evil.example/a b?canary",
    "https://evil.example/?a b canary",
    "com.acme.app:/cb?canary",
    "com.acme.app:cb#canary",
    "/cb?canary",
    "https://somebody:c@nary-canary@evil.example/",
    "?canary",
    "evil.example/cb?canary",
]


@pytest.mark.parametrize("address", STRANGE_ADDRESSES)
def test_of_a_strange_address_no_query_is_told_either(address: str, caplog: pytest.LogCaptureFixture) -> None:
    Browser().authorize("web", redirect_uri=address)
    assert "redirect_uri: " in RefusedRequest.objects.get().description
    assert "canary" not in RefusedRequest.objects.get().description + caplog.text


@pytest.mark.parametrize("address", STRANGE_ADDRESSES)
def test_nor_of_one_after_signing_out(address: str, caplog: pytest.LogCaptureFixture) -> None:
    Http().get("/oauth2/logout", {"client_id": "web", "post_logout_redirect_uri": address})
    assert "Not a registered post_logout_redirect_uri of web: " in RefusedRequest.objects.get().description
    assert "canary" not in RefusedRequest.objects.get().description + caplog.text


def test_what_succeeds_leaves_nothing() -> None:
    tokens = Browser("owner").tokens("web", scope="openid email offline_access")
    App("web").userinfo(tokens["access_token"])
    App("web").introspect(tokens["access_token"])
    assert not RefusedRequest.objects.exists()


def test_the_reference_that_a_person_reads_is_in_the_row() -> None:
    page = Browser().authorize("web", redirect_uri="https://evil.example/cb").content.decode()
    assert f"<code>{RefusedRequest.objects.get().request_ids}</code>" in page


def test_what_happens_in_the_background_or_is_decided_by_people_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Browser().authorize("web", prompt="none")
        denied()
        App("blind").introspect("x")
    told = [one for one in caplog.records if one.name == "vestibule.requests"]
    assert [(one.fields["error"], one.levelname) for one in told] == [  # type: ignore[attr-defined]
        ("login_required", "INFO"),
        ("access_denied", "INFO"),
        ("access_denied", "WARNING"),
    ]


def test_the_client_of_a_hint_is_named_when_a_sign_out_is_refused() -> None:
    hint = Browser("owner").tokens("web")["id_token"]
    Http().get("/oauth2/logout", {"id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example/"})
    assert RefusedRequest.objects.get().client_id == "web"
