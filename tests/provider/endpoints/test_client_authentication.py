"""A client proves itself in exactly one way; whatever is wrong is one answer, with a challenge for the header."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from clients import secrets
from clients.models import Client, ClientSecret
from tests.world import SPA_CB, VERIFIER, App, Browser, Response, basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
FORMS = {
    "/oauth2/token": {"grant_type": "client_credentials"},
    "/oauth2/introspect": {"token": "unknown"},
    "/oauth2/revoke": {"token": "unknown"},
}
everywhere = pytest.mark.parametrize("path", FORMS)


def ask(path: str, header: str = "", **body: Any) -> Response:
    return App("web").post(path, {**FORMS[path], **body}, auth=header or None)


def is_refused(response: Response, *, challenge: bool) -> bool:
    """RFC 6749 section 5.2: 401 invalid_client, and a Basic challenge when the header was used.

    Where no browser of a person authenticates there is always one (RFC 9110 section 15.5.2).
    """
    challenge = challenge or response.request["PATH_INFO"] in ("/oauth2/introspect", "/oauth2/revoke")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), response.content
    assert response["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in response) is challenge
    return not challenge or response["WWW-Authenticate"].startswith("Basic realm=")


def raw(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@everywhere
def test_the_secret_in_the_header_or_in_the_body(path: str) -> None:
    assert ask(path, basic("web", "web-secret")).status_code == 200
    assert ask(path, client_id="web", client_secret="web-secret").status_code == 200
    assert ask(path, basic("web", "web-secret"), client_id="web").status_code == 200


@everywhere
@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_the_scheme_is_written_in_any_case(path: str, scheme: str) -> None:
    assert ask(path, basic("web", "web-secret").replace("Basic", scheme)).status_code == 200


@everywhere
def test_two_ways_at_once_are_refused_even_when_both_are_right(path: str) -> None:
    for header in (basic("web", "web-secret"), basic("web", "wrong")):
        response = ask(path, header, client_id="web", client_secret="web-secret")
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.any_database
@everywhere
@pytest.mark.parametrize(
    "header",
    [
        basic("web", "wrong"),
        basic("web", ""),
        basic("web", "web-secret "),
        basic("web", "WEB-SECRET"),
        basic("nobody", "web-secret"),
        basic("", ""),
        basic("", "web-secret"),
        basic("retired", "retired-secret"),
        basic("web\0", "web-secret"),
        basic("web", "web-secret\0"),
        raw("web"),
        raw(""),
        raw(b"\xff\xfe:\xff"),
        raw("web:%FF"),
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic d2ViOndlYi1zZWNyZXQ",  # without its padding
        "Basic \u00e9",
        "Basic " + "A" * 100_000,
        "Bearer x",
        "Digest username=web",
        "web-secret",
        ":",
    ],
)
def test_a_wrong_header_is_not_rescued_by_the_body(path: str, header: str) -> None:
    assert is_refused(ask(path, header), challenge=True)
    response = ask(path, header, client_id="web", client_secret="web-secret")
    assert response.status_code in (400, 401)
    assert response.json()["error"] in ("invalid_request", "invalid_client")


@pytest.mark.any_database
@everywhere
@pytest.mark.parametrize(
    "body",
    [
        {"client_id": "web", "client_secret": "wrong"},
        {"client_id": "web", "client_secret": ""},
        {"client_id": "web"},
        {"client_secret": "web-secret"},
        {"client_id": "nobody", "client_secret": "web-secret"},
        {"client_id": "retired", "client_secret": "retired-secret"},
        {"client_id": "sibling", "client_secret": "web-secret"},
        {"client_id": "", "client_secret": ""},
        {"client_id": "web\u00e9", "client_secret": "\u20ac"},
        {},
    ],
)
def test_a_wrong_body_is_refused_and_makes_no_browser_ask(path: str, body: dict[str, str]) -> None:
    assert is_refused(ask(path, **body), challenge=False)


@everywhere
def test_another_client_id_in_the_body_is_refused(path: str) -> None:
    response = ask(path, basic("web", "web-secret"), client_id="sibling")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@everywhere
def test_unknown_client_wrong_secret_and_disabled_client_are_told_alike(path: str) -> None:
    answers = {
        ask(path, basic(name, secret)).content
        for name, secret in (("nobody", "x"), ("web", "x"), ("retired", "retired-secret"), ("retired", "x"))
    }
    assert len(answers) == 1


@everywhere
def test_both_parts_of_the_header_are_form_encoded(path: str) -> None:
    client = Client.objects.get(client_id="web")
    client.secrets.all().delete()
    secrets.adopt(client, "a:b+c%d e\u00e9&=/")
    Client.objects.filter(pk=client.pk).update(client_id="web:one%2+")
    assert ask(path, basic("web:one%2+", "a:b+c%d e\u00e9&=/")).status_code == 200
    assert is_refused(ask(path, raw("web:one%2+:a:b+c%d e\u00e9&=/")), challenge=True)
    assert ask(path, client_id="web:one%2+", client_secret="a:b+c%d e\u00e9&=/").status_code == 200


# --- Public clients ------------------------------------------------------------------------------------------------


def test_a_public_client_names_itself_and_no_more() -> None:
    code = Browser("owner").code("spa")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": SPA_CB, "code_verifier": VERIFIER}
    for secret in ("x", "spa"):
        assert is_refused(App("spa").post("/oauth2/token", form, auth=basic("spa", secret)), challenge=True)
    assert is_refused(App("spa").exchange(code, client_secret="x"), challenge=False)
    assert App("spa").exchange(code, client_secret="").status_code == 200, "an empty parameter counts as omitted"


def test_a_public_client_names_itself_by_an_empty_basic_password_too() -> None:
    """As libraries send it that know no other way."""
    code = Browser("owner").code("spa")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": SPA_CB, "code_verifier": VERIFIER}
    assert App("spa").post("/oauth2/token", form, auth=basic("spa", "")).status_code == 200


def test_a_public_client_has_no_client_credentials() -> None:
    response = App("spa").token(grant_type="client_credentials")
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_a_public_client_may_not_introspect_and_may_revoke_its_own() -> None:
    token = Browser("owner").tokens("spa")["access_token"]
    response = App("spa").introspect(token)
    assert (response.status_code, response.json()["error"]) == (403, "access_denied")
    assert App("spa").post("/oauth2/revoke", {"token": token}).status_code == 200
    assert App("spa").userinfo(token).status_code == 401


def test_a_public_clients_row_with_a_secret_gains_nothing() -> None:
    """However it came to be there: a public client cannot keep one, so it proves nothing."""
    secrets.adopt(Client.objects.get(client_id="spa"), "leaked")
    assert is_refused(App("spa").refresh("x", client_secret="leaked"), challenge=False)
    assert is_refused(App("").post("/oauth2/introspect", {"token": "x"}, auth=basic("spa", "leaked")), challenge=True)


# --- Secrets over time ---------------------------------------------------------------------------------------------


def works(secret: str) -> bool:
    return ask("/oauth2/token", basic("web", secret)).status_code == 200


def test_two_secrets_live_at_once_until_one_is_revoked() -> None:
    second = secrets.generate(Client.objects.get(client_id="web"))
    assert (works("web-secret"), works(second)) == (True, True)
    secrets.revoke(ClientSecret.objects.get(client__client_id="web", slot=1))
    assert (works("web-secret"), works(second)) == (False, True)


def test_an_expired_secret_is_none() -> None:
    second = secrets.generate(Client.objects.get(client_id="web"), expires_at=timezone.now() + timedelta(seconds=60))
    assert works(second)
    ClientSecret.objects.filter(slot=2).update(expires_at=timezone.now())
    assert not works(second)


def test_a_client_without_secrets_is_not_a_public_one() -> None:
    ClientSecret.objects.all().delete()
    assert is_refused(ask("/oauth2/token", client_id="web"), challenge=False)
    assert is_refused(ask("/oauth2/token", basic("web", "")), challenge=True)


def test_a_digest_is_not_a_secret() -> None:
    secrets.generate(Client.objects.get(client_id="web"))
    for digest in ClientSecret.objects.filter(client__client_id="web").values_list("digest", flat=True):
        assert not works(digest)
        assert not works(digest.removeprefix("sha256$"))


def test_the_last_use_is_known_without_a_write_per_request(django_assert_num_queries: Any) -> None:
    row = ClientSecret.objects.filter(client__client_id="web")
    assert row.get().last_used_at is None
    works("web-secret")
    first = row.get().last_used_at
    works("web-secret")
    assert row.get().last_used_at == first
    assert first is not None
    with time_machine.travel(first + timedelta(hours=2)):
        works("web-secret")
    used = row.get().last_used_at
    assert used is not None
    assert used - first > timedelta(hours=1)


def test_a_disabled_client_is_enabled_again() -> None:
    Client.objects.filter(client_id="web").update(enabled=False)
    assert not works("web-secret")
    Client.objects.filter(client_id="web").update(enabled=True)
    assert works("web-secret")
