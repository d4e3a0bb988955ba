"""Whoever uses the views and decorators of the toolkit meets our grants and our tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from oauth2_provider.decorators import protected_resource
from oauth2_provider.oauth2_backends import get_oauthlib_core
from oauth2_provider.signals import app_authorized
from oauth2_provider.views.base import RevokeTokenView, TokenView

from clients.models import AccessToken, Authorization
from provider.keys.mint import digest
from provider.toolkit import Server, Validator
from tests.world import ISSUER, VERIFIER, WEB_CB, App, Browser, basic

# --- Behind the toolkit's decorators -------------------------------------------------------------------------------

HERE = f"{ISSUER}/api/v1"


def ask(token: str, path: str = "/api/v1/projects", scopes: tuple[str, ...] = (), **extra: Any) -> tuple[bool, Any]:
    request: HttpRequest = RequestFactory().get(path, HTTP_AUTHORIZATION=f"Bearer {token}", **extra)
    answer: tuple[bool, Any] = get_oauthlib_core().verify_request(request, scopes=list(scopes))
    return answer


@pytest.fixture
def token(world: None) -> str:
    """A person's token for a place of this provider."""
    text = str(Browser("owner").tokens("web", scope="openid orders.read")["access_token"])
    AccessToken.objects.filter(digest=digest(text)).update(resource=[HERE], scope="openid admin.read")
    return text


@pytest.mark.django_db
def test_a_token_for_this_place_is_accepted_and_says_who_asks(token: str) -> None:
    valid, request = ask(token, scopes=("admin.read",))
    assert valid
    assert (request.client.client_id, request.user.username) == ("web", "owner")
    assert ask(token, scopes=())[0]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v2/projects", "/api/v1x", "/oauth2/userinfo", "/"])
def test_a_token_for_another_place_is_not(token: str, path: str) -> None:
    assert not ask(token, path)[0]


@pytest.mark.django_db
def test_the_host_header_does_not_make_it_the_right_place(world: None) -> None:
    text = str(Browser("owner").tokens("web")["access_token"])
    AccessToken.objects.filter(digest=digest(text)).update(resource=["http://127.0.0.1:8000/api/v1"])
    assert not ask(text, HTTP_HOST="127.0.0.1:8000")[0]


@pytest.mark.django_db
def test_a_token_for_what_encloses_an_api_is_not_for_that_api(token: str) -> None:
    AccessToken.objects.filter(digest=digest(token)).update(resource=[ISSUER])
    assert ask(token, "/somewhere")[0]
    assert not ask(token)[0]


@pytest.mark.django_db
def test_a_missing_scope_is_not_enough(token: str) -> None:
    assert not ask(token, scopes=("admin.write",))[0]
    assert not ask(token, scopes=("admin.read", "admin.write"))[0]


@pytest.mark.django_db
def test_a_dead_token_is_not(token: str) -> None:
    Authorization.objects.get().delete()
    assert not ask(token)[0]


@pytest.mark.django_db
@pytest.mark.parametrize("cnf", [{"jkt": "A" * 43}, {"x5t#S256": "A" * 43}])
def test_a_bound_token_is_no_bearer_token(token: str, cnf: dict[str, str]) -> None:
    AccessToken.objects.filter(digest=digest(token)).update(cnf=cnf)
    assert not ask(token)[0]


@pytest.mark.django_db
def test_only_access_tokens_are(world: None) -> None:
    answer = Browser("owner").tokens("web", scope="openid offline_access")
    for wrong in (answer["id_token"], answer["refresh_token"], "", "x", "a.b.c"):
        assert not ask(wrong, "/web")[0]


@pytest.mark.django_db
def test_the_query_is_no_place_for_a_token(token: str) -> None:
    request = RequestFactory().get(f"/api/v1/projects?access_token={token}")
    assert not get_oauthlib_core().verify_request(request, scopes=[])[0]


@pytest.mark.django_db
def test_a_clients_own_token_has_no_user(world: None) -> None:
    text = App("web").token(grant_type="client_credentials").json()["access_token"]
    AccessToken.objects.filter(digest=digest(text)).update(resource=[HERE])
    valid, request = ask(text)
    assert valid
    assert request.user is None


@pytest.mark.django_db
@pytest.mark.parametrize(("place", "status"), [("http://testserver/orders", 200), ("http://testserver/else", 403)])
def test_a_view_under_its_decorator_lets_our_tokens_in(token: str, place: str, status: int) -> None:
    def view(request: Any) -> HttpResponse:
        return HttpResponse(request.resource_owner.username)

    orders = protected_resource(scopes=["orders.read"], validator_cls=Validator, server_cls=Server)(view)

    AccessToken.objects.update(resource=[place], scope="openid orders.read")
    assert orders(bearing(token)).status_code == status
    assert orders(bearing("x")).status_code == 403


def bearing(token: str) -> HttpRequest:
    return RequestFactory().get("/orders", HTTP_AUTHORIZATION=f"Bearer {token}")


# --- Its endpoints -------------------------------------------------------------------------------------------------


def ask_its(view: Any, secret: str = "web-secret", **params: str) -> HttpResponse:
    form = "application/x-www-form-urlencoded"
    request = RequestFactory().post("/o/", urlencode(params), form, HTTP_AUTHORIZATION=basic("web", secret))
    response: HttpResponse = view.as_view()(request)
    return response


@pytest.fixture
def given() -> Iterator[list[AccessToken]]:
    """The tokens its signal tells of."""
    told: list[AccessToken] = []

    def note(token: AccessToken, **_more: Any) -> None:
        told.append(token)

    app_authorized.connect(note)
    yield told
    app_authorized.disconnect(note)


@pytest.mark.django_db
def test_its_token_view_meets_our_grants(world: None, given: list[AccessToken]) -> None:
    code = Browser("owner").code("web", scope="openid offline_access")
    answer = ask_its(TokenView, grant_type="authorization_code", code=code, redirect_uri=WEB_CB, code_verifier=VERIFIER)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    tokens = json.loads(answer.content)
    again = ask_its(TokenView, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    own = ask_its(TokenView, grant_type="client_credentials")
    assert [json.loads(one.content)["token_type"] for one in (again, own)] == ["Bearer", "Bearer"]
    assert App("web").userinfo(tokens["access_token"]).status_code == 200
    assert [one.application.client_id for one in given] == ["web", "web", "web"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("secret", "params", "status", "error"),
    [
        ("web-secret", {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ("web-secret", {"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ("wrong", {"grant_type": "client_credentials"}, 401, "invalid_client"),
        ("web-secret", {"grant_type": "client_credentials", "audience": "stranger"}, 400, "invalid_audience"),
    ],
)
def test_its_token_view_refuses_as_we_do(
    world: None, secret: str, params: dict[str, str], status: int, error: str
) -> None:
    answer = ask_its(TokenView, secret, **params)
    assert (answer.status_code, json.loads(answer.content)["error"]) == (status, error)
    assert ("WWW-Authenticate" in answer) == (status == 401)


@pytest.mark.django_db
def test_its_revocation_view_ends_our_tokens(token: str) -> None:
    assert ask_its(RevokeTokenView, token=token).status_code == 200
    assert App("web").userinfo(token).status_code == 401
