"""Redirect URIs: which may be registered, and that they come back letter by letter."""

from __future__ import annotations

import pytest

from clients.identifiers import redirect_uri_problem
from clients.models import Client
from tests.world import Browser, redirected


@pytest.mark.parametrize("name", ["code", "state", "iss", "error", "error_description"])
def test_a_registered_query_has_nothing_of_ours(name: str) -> None:
    """Otherwise the client would find two of them and might take the wrong one."""
    assert "which are ours" in redirect_uri_problem(f"https://app.example/cb?a=1&{name}=")
    assert redirect_uri_problem(f"https://app.example/cb?my_{name}=1") == ""


@pytest.mark.django_db
@pytest.mark.parametrize("uri", ["https://web.acme.example/cb?flag", "https://web.acme.example/cb?a=b%20c&d="])
@pytest.mark.parametrize("asked", [{}, {"scope": "unknown"}])
def test_a_registered_query_comes_back_letter_by_letter(world: None, uri: str, asked: dict[str, str]) -> None:
    Client.objects.filter(client_id="web").update(redirect_uris=uri)
    browser = Browser("owner")
    response = browser.authorize("web", redirect_uri=uri, **asked)
    if response.status_code == 200:
        response = browser.answer(response)
    assert response["Location"].startswith(f"{uri}&")
    assert redirected(response)["state"] == "the-state"
