"""Signing out by way of an app, in a real browser: with and without scripts, asked and unasked."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client as Http
from playwright.sync_api import Browser, Page, expect

from accounts.models import SignIn
from clients.models import Client
from tests.world import CHALLENGE, App

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHAPES = [
    pytest.param({}, id="with scripts"),
    pytest.param({"java_script_enabled": False}, id="without scripts"),
]


@pytest.fixture
def provider(live_server: Any, world: None, settings: Any, app: str) -> str:
    """Its address; the client `web` answers on this machine."""
    settings.IDP_ISSUER = live_server.url
    Client.objects.filter(client_id="web").update(redirect_uris=app, post_logout_redirect_uris=app)
    return str(live_server.url)


@pytest.fixture(params=SHAPES)
def page(request: Any, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(**request.param)
    yield context.new_page()
    context.close()


def sign_in(page: Page, provider: str, app: str) -> str:
    """By way of the app, which gets an ID token of this session."""
    query = {"response_type": "code", "client_id": "web", "redirect_uri": app, "scope": "openid"}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    page.goto(f"{provider}/oauth2/authorize?{urlencode(query)}")
    page.get_by_label("User name or e-mail").fill("owner")
    page.get_by_label("Password", exact=True).fill("owner-pw")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Allow").click()
    expect(page).to_have_title("the app")
    code = dict(parse_qsl(urlsplit(page.url).query))["code"]
    return str(App("web", Http(SERVER_NAME="localhost")).exchange(code, redirect_uri=app).json()["id_token"])


def test_somebody_is_asked_signs_out_and_is_back_at_the_app(page: Page, provider: str, app: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    sign_in(page, provider, app)
    query = {"client_id": "web", "post_logout_redirect_uri": app, "state": "the-state"}
    page.goto(f"{provider}/oauth2/logout?{urlencode(query)}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign out?")
    for words in ("Acme web", "127.0.0.1", "owner@people.example"):
        expect(page.locator("main")).to_contain_text(words)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("the app")
    assert page.url == f"{app}?state=the-state"
    assert [text for text in complaints if "Content Security Policy" in text] == []
    assert SignIn.objects.get().ended_at is not None
    page.goto(provider)
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_who_stays_is_still_signed_in(page: Page, provider: str, app: str) -> None:
    sign_in(page, provider, app)
    page.goto(f"{provider}/oauth2/logout?client_id=web")
    page.get_by_role("link", name="Stay signed in").click()
    expect(page.get_by_role("heading", name="Olive Owner")).to_be_visible()
    assert SignIn.objects.get().ended_at is None


def test_a_form_on_the_apps_own_page_signs_out_unasked(page: Page, provider: str, app: str) -> None:
    """It comes from another site, so the cookie comes only with the GET that follows."""
    form = {"id_token_hint": sign_in(page, provider, app), "post_logout_redirect_uri": app, "state": "the-state"}
    fields = "".join(f'<input type="hidden" name="{name}" value="{html.escape(form[name])}">' for name in form)
    page.set_content(f'<form method="post" action="{provider}/oauth2/logout">{fields}<button>Leave</button></form>')
    page.get_by_role("button", name="Leave").click()
    expect(page).to_have_title("the app")
    assert page.url == f"{app}?state=the-state"
    assert SignIn.objects.get().ended_at is not None
