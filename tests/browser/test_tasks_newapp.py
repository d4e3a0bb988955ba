"""Task A4: a project, an API, a web app and a machine app from the overview of the console on, and a token of each."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.clicks import Counting
from tests.console import browser
from tests.world import CHALLENGE, VERIFIER

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CALLBACK = "https://shop.bakery.example/callback"
BREAD = "https://api.bakery.example/bread"


@pytest.fixture
def tab(page: Page, live_server: Any, console: None, keys: None, settings: Any) -> Page:
    settings.IDP_ISSUER = live_server.url
    cookie = browser("root").cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    return page


def shown(page: Page) -> dict[str, str]:
    """What the handover says, as a developer copies it."""
    names = ("issuer", "client-id", "secret", "scope", "resource")
    return {name: page.locator(f"#shown-{name}").input_value() for name in names}


def token(app: dict[str, str], **form: str) -> dict[str, Any]:
    own = {"client_id": app["client-id"], "client_secret": app["secret"]}
    answer = requests.post(f"{app['issuer']}/oauth2/token", {**own, **form}, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def register(person: Counting) -> tuple[dict[str, str], dict[str, str]]:
    page = person.page
    person.click(page.get_by_role("link", name="Settings", exact=True))
    person.click(page.get_by_role("link", name="New project"))
    person.type(page.get_by_role("textbox", name="Name", exact=True), "Bakery")
    person.click(page.get_by_role("button", name="Save and stay"))
    person.click(page.get_by_role("link", name="New API in this project"))
    person.type(page.get_by_role("textbox", name="Identifier"), BREAD)
    person.type(page.get_by_role("textbox", name="Name shown to people"), "Bread")
    person.type(page.get_by_label("Scope 1"), "bread.read")
    person.type(page.get_by_label("Description shown to people 1"), "See the bread")
    person.click(page.get_by_role("button", name="Save", exact=True))
    person.click(page.get_by_role("link", name="New app in this project"))
    person.type(page.get_by_label("Name", exact=True), "Bakery Shop")
    person.type(page.get_by_label("Send people back to"), CALLBACK)
    person.click(page.get_by_label("bread.read"))
    person.click(page.get_by_role("button", name="Register"))
    expect(page.get_by_role("heading", name="Bakery Shop is registered")).to_be_visible()
    shop = shown(page)
    person.click(page.get_by_role("link", name="Service", exact=True))
    person.type(page.get_by_label("Name", exact=True), "Night job")
    person.click(page.get_by_label("bread.read"))
    person.click(page.get_by_role("button", name="Register"))
    expect(page.get_by_role("heading", name="Night job is registered")).to_be_visible()
    return shop, shown(page)


def test_two_apps_and_their_tokens(tab: Page, live_server: Any) -> None:
    person = Counting(tab)
    tab.goto(f"{live_server.url}/admin/")
    shop, job = register(person)
    assert token(job, grant_type="client_credentials")["scope"] == "bread.read"
    tab.context.route(f"{CALLBACK}*", lambda route: route.fulfill(body="Welcome"))
    query = {"response_type": "code", "client_id": shop["client-id"], "redirect_uri": CALLBACK, "scope": shop["scope"]}
    query |= {"resource": shop["resource"], "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    tab.goto(f"{live_server.url}/oauth2/authorize?{urlencode(query)}")
    person.click(tab.get_by_role("button", name="Allow"))
    expect(tab.get_by_text("Welcome")).to_be_visible()
    code = parse_qs(urlsplit(tab.url).query)["code"][0]
    got = token(shop, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER)
    assert set(got["scope"].split()) >= {"openid", "bread.read"}
    assert "refresh_token" in got
    assert person.clicks <= 12, person.clicks
    assert person.typed <= 8, person.typed
