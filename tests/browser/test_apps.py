"""People narrow what they allow, are asked for more later, and take it back, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client as Http
from playwright.sync_api import Browser, Page, expect

from clients.models import Client
from projects.models import ApiScope, Consent
from tests.browser.test_main_job import sign_in
from tests.world import BILLING, CHALLENGE, ORDERS, VERIFIER, App

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Ask = Callable[..., str]


@pytest.fixture
def ask(live_server: Any, world: None, settings: Any, app: str) -> Ask:
    """Addresses of authorization requests of `web`, whose callback answers on this machine.

    It is called by a name, which here is enough to count as a web app: programs on the person's own machine always ask.
    """
    settings.IDP_ISSUER = live_server.url
    Client.objects.filter(client_id="web").update(redirect_uris=app)
    ApiScope.objects.filter(name="orders.write").update(sensitive=True)

    def address(**params: Any) -> str:
        query = {"response_type": "code", "client_id": "web", "redirect_uri": app, "code_challenge": CHALLENGE}
        query |= {"code_challenge_method": "S256", **params}
        return f"{live_server.url}/oauth2/authorize?{urlencode(query, doseq=True)}"

    return address


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def page(request: Any, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    yield context.new_page()
    context.close()


def tokens(page: Page, app: str) -> dict[str, Any]:
    """What the app gets for the code in the address bar."""
    expect(page).to_have_title("the app")
    code = dict(parse_qsl(urlsplit(page.url).query))["code"]
    web = App("web", Http(SERVER_NAME="localhost"))
    form = {"code": code, "redirect_uri": app, "code_verifier": VERIFIER}
    answer: dict[str, Any] = web.token(grant_type="authorization_code", **form).json()
    return answer


def test_a_person_leaves_out_an_api_and_is_asked_for_more_later(page: Page, ask: Ask, app: str) -> None:
    sign_in(page, ask(scope="openid email orders.read orders.write", audience=[ORDERS, BILLING]))
    expect(page.locator("label", has_text="Change your orders")).to_contain_text("Sensitive")
    page.get_by_role("checkbox", name="Orders What you bought").uncheck()
    page.get_by_role("button", name="Allow").click()
    answer = tokens(page, app)
    assert (answer["scope"], answer["audience"]) == ("openid email", [BILLING])

    page.goto(ask(scope="openid profile orders.read", audience=ORDERS, include_granted_scopes="true"))
    expect(page.get_by_text("Only what is new is asked here")).to_be_visible()
    assert page.get_by_role("checkbox").count() == 3, "profile, orders.read and its API"
    page.get_by_role("button", name="Allow").click()
    assert set(tokens(page, app)["scope"].split()) == {"openid", "profile", "email", "orders.read"}
    page.goto(ask(scope="openid email profile", audience=BILLING))
    assert set(tokens(page, app)["scope"].split()) == {"openid", "email", "profile"}, "without a question"


def test_a_person_takes_back_a_scope_an_api_and_everything(page: Page, ask: Ask, app: str, live_server: Any) -> None:
    sign_in(page, ask(scope="openid email offline_access orders.read", audience=ORDERS))
    page.get_by_role("button", name="Allow").click()
    refresh = tokens(page, app)["refresh_token"]
    page.goto(live_server.url)
    page.get_by_role("navigation").get_by_role("link", name="Apps").click()
    page.get_by_role("link", name="Acme").click()

    page.get_by_role("link", name="Remove: See your e-mail address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Take this back from Acme?")
    page.get_by_role("link", name="Keep").click()
    page.get_by_role("link", name="Remove: See your e-mail address").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_contain_text("See your e-mail address")
    web = App("web", Http(SERVER_NAME="localhost"))
    assert web.refresh(refresh).json()["error"] == "invalid_grant"

    page.get_by_role("link", name="Remove: Orders").click()
    expect(page.locator("main")).to_contain_text("See your orders")
    page.get_by_role("button", name="Take back").click()
    assert Consent.objects.get().scopes == ["openid", "offline_access"]

    page.get_by_role("link", name="Remove all access").click()
    page.get_by_role("button", name="Remove all access").click()
    expect(page.locator("main")).to_contain_text("No app has access to your account")
    assert not Consent.objects.exists()
