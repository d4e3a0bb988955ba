"""The main job in a real browser: sign in, consent, come back with a code, and get an ID token for a sibling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client as Http
from playwright.sync_api import Browser, Page, expect

from clients.models import Client
from tests.world import CHALLENGE, ORDERS, VERIFIER, App, claims_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def request_address(live_server: Any, world: None, settings: Any, app: str) -> str:
    """An authorization request of `web`, whose callback answers on this machine."""
    settings.IDP_ISSUER = live_server.url
    Client.objects.filter(client_id="web").update(redirect_uris=app)
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": app,
        "scope": "openid email offline_access orders.read",
        "resource": ORDERS,
        "audience": "sibling",
        "state": "the-state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{live_server.url}/oauth2/authorize?{urlencode(query)}"


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def page(request: Any, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    yield context.new_page()
    context.close()


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("User name or e-mail").fill("owner")
    page.get_by_label("Password").fill("owner-pw")
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_somebody_signs_in_allows_and_the_app_gets_tokens(page: Page, request_address: str, app: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    sign_in(page, request_address)
    for words in ("Acme web", "See your orders", "Acme sibling", "127.0.0.1", ORDERS):
        expect(page.locator("body")).to_contain_text(words)
    page.get_by_role("checkbox", name="See your e-mail address").uncheck()
    page.get_by_role("button", name="Allow").click()
    expect(page).to_have_title("the app")
    answer = dict(parse_qsl(urlsplit(page.url).query))
    assert answer["state"] == "the-state"
    assert [text for text in complaints if "Content Security Policy" in text] == []

    web = App("web", Http(SERVER_NAME="localhost"))
    form = {"code": answer["code"], "redirect_uri": app, "code_verifier": VERIFIER}
    tokens = web.token(grant_type="authorization_code", **form).json()
    assert tokens["scope"] == "openid offline_access orders.read", "without what was unticked"
    sibling = web.refresh(tokens["refresh_token"], audience="sibling").json()
    claims = claims_of(sibling["id_token"])
    assert (claims["aud"], claims["azp"], claims["amr"]) == ("sibling", "web", ["pwd"])


def test_who_denies_comes_back_with_the_refusal(page: Page, request_address: str) -> None:
    sign_in(page, request_address)
    page.get_by_role("button", name="Deny").click()
    expect(page).to_have_url(re.compile("error=access_denied"))


def test_what_is_not_registered_leads_nowhere(page: Page, request_address: str) -> None:
    page.goto(request_address.replace("%2Fcb", "%2Felsewhere"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("cannot be answered")
    assert "elsewhere" in page.url, "still at the provider"


def test_a_request_posted_from_the_apps_site_finds_the_person_signed_in(
    page: Page, request_address: str, app: str
) -> None:
    """The POST comes without our SameSite=Lax cookies; the 303 makes it a GET that has them."""
    sign_in(page, request_address)
    endpoint, _, query = request_address.partition("?")
    fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in parse_qsl(query))
    form = f'<form method="post" action="{endpoint}">{fields}<button>Go</button></form>'
    start = app.replace("/cb", "/start")
    page.route(start, lambda route: route.fulfill(content_type="text/html", body=form))
    page.goto(start)
    with page.expect_request(lambda request: request.method == "POST") as posted:
        page.get_by_role("button", name="Go").click()
    assert "vestibule-session" not in posted.value.all_headers().get("cookie", "")
    page.get_by_role("button", name="Allow").click()
    expect(page).to_have_title("the app")
    assert "code=" in page.url
