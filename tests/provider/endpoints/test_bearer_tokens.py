"""Access tokens travel in the header or a form, and only the whole, exact token is one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Http

from accounts import attributes
from accounts.attributes import Editor
from accounts.events import Whoever
from accounts.models import User
from clients.models import AccessToken, Client
from provider.protocol.claims import claims_of as claims_for
from tests.provider.endpoints.forging import near_misses
from tests.world import EVERY_CLAIM, App, Browser, claims_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
USERINFO = "/oauth2/userinfo"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def token() -> str:
    return str(Browser("owner").tokens("web", scope="openid profile email address phone")["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def is_challenged(response: Any, status: int, error: str) -> bool:
    """RFC 6750 section 3: the challenge names the error; without any token it names none."""
    assert (response.status_code, response.json()["error"]) == (status, error), response.content
    assert response["Cache-Control"] == "no-store"
    challenge = response["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="vestibule"')
    return f'error="{error}"' in challenge


# --- Transport -----------------------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_header_in_any_case(token: str, scheme: str, method: str) -> None:
    response = getattr(Http(), method)(USERINFO, HTTP_AUTHORIZATION=f"{scheme} {token}")
    assert (response.status_code, response.json()["email"]) == (200, "owner@people.example")
    assert response["Cache-Control"] == "no-store"


def test_the_body_of_a_form(token: str) -> None:
    assert Http().post(USERINFO, f"access_token={token}", content_type=FORM).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", FORM])
def test_whatever_else_is_posted_the_header_counts(token: str, content_type: str) -> None:
    assert Http().post(USERINFO, "", content_type=content_type, headers=bearer(token)).status_code == 200


@pytest.mark.parametrize("path", [USERINFO, "/openid/userinfo", "/oauth2/userinfo/"])
def test_never_the_query(token: str, path: str) -> None:
    for headers in ({}, bearer(token)):
        assert is_challenged(Http().get(f"{path}?access_token={token}", headers=headers), 400, "invalid_request")
        assert is_challenged(Http().post(f"{path}?access_token={token}", headers=headers), 400, "invalid_request")
    assert is_challenged(Http().get(f"{path}?access_token=", headers=bearer(token)), 400, "invalid_request")


def test_never_twice(token: str) -> None:
    sent = Http().post(USERINFO, f"access_token={token}", content_type=FORM, headers=bearer(token))
    assert is_challenged(sent, 400, "invalid_request")
    sent = Http().post(USERINFO, f"access_token={token}&access_token={token}", content_type=FORM)
    assert is_challenged(sent, 400, "invalid_request")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic d2ViOng=", "Token x"])
def test_without_a_token_the_challenge_names_no_error(header: str) -> None:
    for response in (Http().get(USERINFO, HTTP_AUTHORIZATION=header), Http().post(USERINFO)):
        assert not is_challenged(response, 401, "invalid_token")


@pytest.mark.parametrize("wrong", ["x", "a b", "\u00e9", "\0", "a.b.c", "..", "." * 5000, "x" * 1_000_000, '"', "a,b"])
def test_an_unknown_token_is_invalid(wrong: str) -> None:
    assert is_challenged(Http().get(USERINFO, headers=bearer(wrong)), 401, "invalid_token")


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_truncated_extended_and_changed_tokens_are_unknown(token_format: str) -> None:
    Client.objects.filter(client_id="web").update(access_token_format=token_format)
    token = Browser("owner").tokens("web")["access_token"]
    app = App("web")
    for name, wrong in near_misses(token).items():
        assert app.userinfo(wrong).status_code == 401, name
        assert app.introspect(wrong).json() == {"active": False}, name
        app.post("/oauth2/revoke", {"token": wrong})
    assert app.userinfo(token).status_code == 200, "and none of them revokes the real one"


def test_only_access_tokens_are_access_tokens() -> None:
    browser = Browser("owner")
    answer = browser.tokens("web", scope="openid offline_access")
    code = browser.code("web")
    digest = AccessToken.objects.values_list("digest", flat=True).get()
    for wrong in (answer["id_token"], answer["refresh_token"], code, digest):
        assert is_challenged(Http().get(USERINFO, headers=bearer(wrong)), 401, "invalid_token")
    assert App("web").introspect(answer["id_token"]).json() == {"active": False}


# --- What userinfo says --------------------------------------------------------------------------------------------


def test_claims_follow_the_scopes(token: str) -> None:
    claims = App("web").userinfo(token).json()
    assert claims == {
        "sub": str(User.objects.get(username="owner").sub),
        "name": "Olive Owner",
        "given_name": "Olive",
        "family_name": "Owner",
        "preferred_username": "owner",
        "updated_at": claims["updated_at"],
        "email": "owner@people.example",
        "email_verified": True,
        "address": {"formatted": "1 Main St"},
        "phone_number": "+1 555 0100",
    }
    only_openid = Browser("owner").tokens("web", scope="openid")["access_token"]
    assert App("web").userinfo(only_openid).json() == {"sub": claims["sub"]}


def test_whoever_has_every_standard_claim_is_told_with_all_of_them() -> None:
    known = EVERY_CLAIM
    changes, troubles = attributes.read(known, Editor.IMPORT)
    User.objects.update(updated_at="2020-01-01T00:00:00Z")
    attributes.change(User.objects.get(username="owner"), changes, Whoever(name="a test"))
    tokens = Browser("owner").tokens("web", scope="openid profile email address phone")
    told = App("web").userinfo(tokens["access_token"]).json()
    assert (troubles, {name: told.get(name) for name in known}) == ([], known)
    assert (told["name"], told["updated_at"] > 1_600_000_000) == ("Olive Oriel Owner", True)
    assert {*told} == {"sub", *claims_for("profile", "email", "address", "phone")}
    assert {name: claims_of(tokens["id_token"])[name] for name in known} == known


def test_the_subject_is_the_one_of_the_id_token_and_no_row_number() -> None:
    answer = Browser("owner").tokens("web")
    sub = App("web").userinfo(answer["access_token"]).json()["sub"]
    assert sub == claims_of(answer["id_token"])["sub"]
    assert sub != str(User.objects.get(username="owner").pk)


def test_without_openid_the_scope_is_insufficient() -> None:
    token = Browser("owner").tokens("web", scope="email")["access_token"]
    assert is_challenged(Http().get(USERINFO, headers=bearer(token)), 403, "insufficient_scope")


def test_a_clients_own_token_speaks_of_the_client() -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    expected = {"sub": "service", "client_id": "service", "name": "Acme service"}
    assert App("service").userinfo(token).json() == expected


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_are_named_as_not_allowed(method: str, token: str) -> None:
    response = getattr(Http(), method)(USERINFO, headers=bearer(token))
    assert (response.status_code, response["Allow"]) == (405, "GET, POST")
    assert response.json()["error"] == "invalid_request"


def test_nothing_sent_ends_up_in_a_header() -> None:
    for name in ("a%0d%0aSet-Cookie:%20x", "%22%5c", "%c3%a9%e2%82%ac", "x" * 500):
        response = Http().post(USERINFO, f"{name}=1&{name}=2", content_type=FORM)
        assert is_challenged(response, 400, "invalid_request")
        assert response["WWW-Authenticate"].isascii()
        assert len(response["WWW-Authenticate"]) < 300
        assert "Set-Cookie" not in response
