"""Task B6: a person's access to an app is removed, and stays removed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from clients.models import Authorization
from projects.models import Consent
from tests.browser.clicks import Counting
from tests.console import browser
from tests.world import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
REQUEST = {"scope": "openid email orders.read", "redirect_uri": "https://web.acme.example/cb"}


@pytest.fixture
def console_page(page: Page, live_server: Any, console: None, settings: Any) -> Page:
    settings.IDP_ISSUER = live_server.url
    cookie = browser("root").cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    page.goto(f"{live_server.url}/admin/")
    return page


def test_access_is_removed_in_three_clicks_and_asked_for_anew(console_page: Page) -> None:
    person = Browser("person")
    assert person.answer(person.authorize("web", **REQUEST)).status_code == 303
    assert "code=" in person.authorize("web", **REQUEST)["Location"], "nobody is asked any more"

    task = Counting(console_page)
    find = console_page.get_by_role("searchbox")
    task.type(find, "person@people.example")
    task.press(find)
    task.click(console_page.get_by_role("link", name="person", exact=True))
    task.click(console_page.get_by_role("link", name="Remove access (Acme)"))
    expect(console_page.get_by_role("heading", name="Remove the access of Acme?")).to_be_visible()
    expect(console_page.get_by_text("2 authorizations end.")).to_be_visible()
    task.click(console_page.get_by_role("button", name="Remove access"))
    expect(console_page.get_by_text("Acme has no access any more: 2 authorizations ended.")).to_be_visible()
    expect(console_page.get_by_text("No app has access to this account.")).to_be_visible()
    assert (task.clicks, task.typed) == (3, 1)

    assert not Authorization.objects.filter(ended_at=None).exists()
    assert not Consent.objects.exclude(scopes=[]).exists()
    assert person.authorize("web", **REQUEST).status_code == 200, "the page asks again"
