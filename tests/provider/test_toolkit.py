"""What views behind the toolkit's own decorators accept."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from clients.models import AccessToken, Authorization
from provider.backend import core
from provider.keys.mint import digest
from tests.world import ISSUER, App, Browser

HERE = f"{ISSUER}/api/v1"


def ask(token: str, path: str = "/api/v1/projects", scopes: tuple[str, ...] = (), **extra: Any) -> tuple[bool, Any]:
    request: HttpRequest = RequestFactory().get(path, HTTP_AUTHORIZATION=f"Bearer {token}", **extra)
    return core().verify_request(request, scopes=list(scopes))


@pytest.fixture
def token(world: None) -> str:
    """A person's token for a place of this provider."""
    text = str(Browser("owner").tokens("web", scope="openid orders.read")["access_token"])
    AccessToken.objects.filter(digest=digest(text)).update(resource=[HERE])
    return text


@pytest.mark.django_db
def test_a_token_for_this_place_is_accepted_and_says_who_asks(token: str) -> None:
    valid, request = ask(token, scopes=("orders.read",))
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
def test_a_missing_scope_is_not_enough(token: str) -> None:
    assert not ask(token, scopes=("orders.write",))[0]
    assert not ask(token, scopes=("orders.read", "orders.write"))[0]


@pytest.mark.django_db
def test_a_dead_token_is_not(token: str) -> None:
    Authorization.objects.get().delete()
    assert not ask(token)[0]


@pytest.mark.django_db
def test_only_access_tokens_are(world: None) -> None:
    answer = Browser("owner").tokens("web", scope="openid offline_access")
    for wrong in (answer["id_token"], answer["refresh_token"], "", "x", "a.b.c"):
        assert not ask(wrong, "/web")[0]


@pytest.mark.django_db
def test_the_query_is_no_place_for_a_token(token: str) -> None:
    request = RequestFactory().get(f"/api/v1/projects?access_token={token}")
    assert not core().verify_request(request, scopes=[])[0]


@pytest.mark.django_db
def test_a_clients_own_token_has_no_user(world: None) -> None:
    text = App("web").token(grant_type="client_credentials").json()["access_token"]
    AccessToken.objects.filter(digest=digest(text)).update(resource=[HERE])
    valid, request = ask(text)
    assert valid
    assert request.user is None
