"""A page of another origin speaks the protocol, as MCP clients in a browser do: Chromium itself decides what it may."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Http
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.scene import Scene
from tests.world import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# What a script is told: the status and headers that it may read, or that the browser refused.
ASK = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options)
    const names = ['www-authenticate', 'dpop-nonce', 'retry-after']
    return { status: answer.status, ...Object.fromEntries(names.map((name) => [name, answer.headers.get(name)])) }
  } catch (error) { return { refused: error.name } }
}"""
VERSION = {"MCP-Protocol-Version": "2025-11-25"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ask(page: Page, url: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(ASK, [url, options])
    return found


def test_it_finds_its_way_and_reads_tokens_and_refusals(page: Page, scene: Scene, app: str, live_server: Any) -> None:
    page.goto(app)
    at = live_server.url
    for name in ("openid-configuration", "oauth-authorization-server"):
        assert ask(page, f"{at}/.well-known/{name}", headers=VERSION)["status"] == 200
    assert ask(page, f"{at}/.well-known/jwks.json", headers=VERSION)["status"] == 200

    refresh_token = Browser("owner", Http(SERVER_NAME="localhost")).tokens("spa", scope="openid offline_access")[
        "refresh_token"
    ]
    form = f"grant_type=refresh_token&client_id=spa&refresh_token={refresh_token}"
    sent = {"method": "POST", "headers": {**FORM, **VERSION, "traceparent": "00-1"}, "body": form}
    assert ask(page, f"{at}/oauth2/token", **sent)["status"] == 200
    proof = {"method": "POST", "headers": {**FORM, "DPoP": "x"}, "body": form}
    refused = ask(page, f"{at}/oauth2/token", **proof)
    assert (refused["status"], bool(refused["dpop-nonce"])) == (400, True), "it reads the nonce for its next proof"

    stranger = ask(page, f"{at}/oauth2/userinfo", headers={"Authorization": "Bearer x", **VERSION})
    assert stranger["status"] == 401
    assert 'error="invalid_token"' in stranger["www-authenticate"]


def test_it_never_speaks_for_whoever_is_signed_in(page: Page, scene: Scene, app: str, live_server: Any) -> None:
    page.goto(app)
    assert User.objects.exists()
    assert "refused" in ask(page, f"{live_server.url}/oauth2/token", method="POST", credentials="include")
    assert "refused" in ask(page, f"{live_server.url}/accounts/login/")
    assert "refused" in ask(page, f"{live_server.url}/oauth2/introspect", method="POST")
