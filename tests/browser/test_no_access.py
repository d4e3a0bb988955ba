"""Whoever an app does not let in, at a browser: whom to ask, and two ways on."""

from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.scene import Scene, cookie
from tests.browser.sights import PICKY_CB, authorize

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_on_a_small_screen_in_the_dark_it_says_whom_to_ask(new_context: Any, scene: Scene, live_server: Any) -> None:
    context = new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    context.add_cookies([cookie(scene.sessions["member"], live_server.url)])
    page = context.new_page()
    answer = page.goto(live_server.url + authorize(client_id="picky", redirect_uri=PICKY_CB, state="s1"))
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("You have no access to Acme picky")
    expect(page.get_by_role("link", name="help@acme.example")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if where := os.environ.get("LOOK"):
        page.screenshot(path=where, full_page=True)
    context.route("https://picky.acme.example/**", lambda route: route.fulfill(body="back"))
    page.get_by_role("link", name="Go back to the app").click()
    page.wait_for_url("https://picky.acme.example/**")
    assert "error=access_denied" in page.url
    assert "state=s1" in page.url
