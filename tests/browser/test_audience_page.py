"""Trying an audience in the console: in a browser with scripts or without, on a phone or not, dark or light."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, expect

from tests.console import ORDERS, browser, client, page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("width", "scheme", "scripts"), [(1280, "light", True), (360, "dark", False)], ids=["desktop", "phone"]
)
def test_a_viewer_asks_and_reads_the_answer(
    request: pytest.FixtureRequest, live_server: Any, console: None, width: int, scheme: Any, scripts: bool
) -> None:
    viewport = {"width": width, "height": 800}
    chromium: Browser = request.getfixturevalue("browser")  # its name is taken here
    context = chromium.new_context(viewport=viewport, color_scheme=scheme, java_script_enabled=scripts)  # type: ignore[arg-type]
    cookie = browser("viewer").cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.goto(live_server.url + page("clients_client_change", client().pk))
    tab.get_by_role("link", name="Try an audience").click()
    field = tab.get_by_label("Audience")
    field.fill(f"{ORDERS}/7")
    field.press("Enter")
    expect(tab.get_by_role("heading", name="Yes, it would be allowed")).to_be_visible()
    expect(tab.locator("#content-main")).to_contain_text(f"Rule 1 covers it: {ORDERS} and everything below.")
    tab.get_by_label("Audience").fill("foreign")
    tab.get_by_role("button", name="Would it be allowed?").click()
    expect(tab.get_by_role("heading", name="No, it would be refused")).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []
    context.close()
