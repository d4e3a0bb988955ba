"""The pages speak the language that an app asks for."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from clients.models import Client
from tests.browser.scene import Scene
from tests.browser.sights import authorize

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_app_chooses_the_language(page: Page, live_server: Any, scene: Scene, app: str) -> None:
    """`ui_locales` (OpenID Connect Core 1.0 section 3.1.2.1), from the first page to the app."""
    Client.objects.filter(client_id="web").update(redirect_uris=app)
    page.goto(
        f"{live_server.url}{authorize(redirect_uri=app, scope='openid', prompt='consent', ui_locales='xx ar de')}"
    )
    right_to_left = page.locator("html[lang=ar][dir=rtl]")
    expect(right_to_left).to_be_attached()
    page.locator("#id_login").fill("member")
    page.locator("#id_password").fill("member-pw")
    page.locator("#id_password").press("Enter")
    expect(page.locator("form.consent")).to_be_visible()
    expect(right_to_left).to_be_attached()
    page.locator("button[value=allow]").click()
    expect(page).to_have_title("the app")
    page.goto(f"{live_server.url}/")
    expect(page.locator("html[lang=en][dir=ltr]")).to_be_attached()
