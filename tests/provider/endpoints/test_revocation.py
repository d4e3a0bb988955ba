"""Revocation (RFC 7009) and introspection (RFC 7662) as requests: what they need, and what they never tell."""

from __future__ import annotations

import pytest
from django.test import Client as Http

from clients.models import Authorization
from tests.world import App, Browser, basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


@pytest.fixture
def answer() -> dict[str, str]:
    return Browser("owner").tokens("web", scope="openid offline_access")


def revoke(token: str, client_id: str = "web", **params: str) -> int:
    return App(client_id).post("/oauth2/revoke", {"token": token, **params}).status_code


def test_revoking_an_access_token_ends_that_token_only(answer: dict[str, str]) -> None:
    assert revoke(answer["access_token"]) == 200
    assert App("web").userinfo(answer["access_token"]).status_code == 401
    assert App("web").refresh(answer["refresh_token"]).status_code == 200


def test_revoking_a_refresh_token_ends_its_authorization(answer: dict[str, str]) -> None:
    assert revoke(answer["refresh_token"]) == 200
    assert App("web").userinfo(answer["access_token"]).status_code == 401
    assert App("web").refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"
    assert Authorization.objects.get().ended_because == "revoked by the client"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_the_hint_changes_nothing(answer: dict[str, str], hint: str) -> None:
    assert App("web").introspect(answer["access_token"], token_type_hint=hint).json()["active"] is True
    assert App("web").introspect(answer["refresh_token"], token_type_hint=hint).json()["active"] is True
    assert revoke(answer["refresh_token"], token_type_hint=hint) == 200
    assert App("web").introspect(answer["access_token"], token_type_hint=hint).json() == {"active": False}


@pytest.mark.parametrize("client_id", ["sibling", "stranger", "spa"])
def test_somebody_elses_token_is_answered_like_an_unknown_one(answer: dict[str, str], client_id: str) -> None:
    for name in ("access_token", "refresh_token"):
        own = App(client_id).post("/oauth2/revoke", {"token": answer[name]})
        unknown = App(client_id).post("/oauth2/revoke", {"token": "unknown"})
        assert (own.status_code, own.content) == (unknown.status_code, unknown.content) == (200, b"{}")
    assert App("web").userinfo(answer["access_token"]).status_code == 200
    assert App("web").refresh(answer["refresh_token"]).status_code == 200


def test_a_revoked_token_is_revoked_again_without_a_word(answer: dict[str, str]) -> None:
    assert [revoke(answer["access_token"]) for _ in range(3)] == [200, 200, 200]
    assert [revoke(answer["refresh_token"]) for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize("path", ["/oauth2/revoke", "/oauth2/introspect"])
def test_a_request_without_a_token_is_invalid(path: str) -> None:
    for form in ({}, {"token": ""}):
        response = App("web").post(path, form)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth2/revoke", "/oauth2/introspect", "/oauth2/token"])
def test_only_forms_are_posted(path: str) -> None:
    header = basic("web", "web-secret")
    response = Http().get(path, HTTP_AUTHORIZATION=header)
    assert (response.status_code, response["Allow"], response.json()["error"]) == (405, "POST", "invalid_request")
    for content_type in ("application/json", "multipart/form-data", "text/plain", ""):
        response = Http().post(path, b'{"token": "x"}', content_type=content_type, HTTP_AUTHORIZATION=header)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth2/revoke", "/oauth2/introspect", "/oauth2/token"])
def test_nothing_is_read_from_the_uri(path: str, answer: dict[str, str]) -> None:
    for query in (f"token={answer['access_token']}", "client_id=web&client_secret=web-secret", "x=1"):
        response = App("web").post(f"{path}?{query}", {"token": answer["access_token"], "grant_type": "refresh_token"})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
        assert "URI" in response.json()["error_description"]
    assert App("web").userinfo(answer["access_token"]).status_code == 200


def test_introspection_is_kept_by_no_cache(answer: dict[str, str]) -> None:
    for token in (answer["access_token"], "unknown"):
        response = App("web").introspect(token)
        assert (response["Cache-Control"], response["Content-Type"]) == ("no-store", "application/json")
