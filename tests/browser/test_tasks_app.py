"""What editors of an app do with it, counted: rotate its secret, see who uses it, switch it off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import SignIn, User
from clients.models import Authorization
from tests.browser.clicks import Counting
from tests.console import browser, client, keep_web_within_its_project, page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def editor(request: pytest.FixtureRequest, live_server: Any, console: None) -> Iterator[Counting]:
    """Somebody at the list of apps, without scripts."""
    chromium: Browser = request.getfixturevalue("browser")  # its name is taken here
    context = chromium.new_context(java_script_enabled=False)
    cookie = browser("editor").cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    tab = context.new_page()
    tab.goto(live_server.url + page("clients_client_changelist"))
    yield Counting(tab)
    context.close()


def link(tab: Page, name: str) -> Any:
    return tab.get_by_role("link", name=name, exact=True)


def test_a_secret_is_rotated_in_six_clicks(editor: Counting) -> None:
    keep_web_within_its_project()
    tab = editor.page
    editor.click(link(tab, "Acme web"))
    editor.click(link(tab, "Secrets and keys"))
    editor.click(tab.get_by_role("button", name="Make the secret"))
    expect(tab.locator("#shown-secret")).to_be_visible()
    editor.click(tab.get_by_role("link", name="I have copied it: go on"))
    editor.click(tab.get_by_role("link", name="Revoke configuration file"))
    editor.click(tab.get_by_role("button", name="Yes, revoke it"))
    expect(tab.get_by_role("status")).to_contain_text("The secret does not work any more.")
    expect(tab).to_have_title("Secrets of Acme web · Vestibule")
    assert (editor.clicks, editor.typed) == (6, 0)
    assert [one.label for one in client().secrets.filter(slot__isnull=False)] == [""]


def test_who_uses_an_app_is_seen_in_two_clicks_and_said_before_it_is_disabled(editor: Counting) -> None:
    for username in ("person", "person", "person", "both"):
        person = User.objects.get(username=username)
        signed_in = SignIn.objects.create(user=person)
        Authorization.objects.create(client=client(), user=person, sign_in=signed_in, auth_time=timezone.now())
    tab = editor.page
    editor.click(link(tab, "Acme web"))
    editor.click(link(tab, "People").and_(tab.locator(".tabs a")))
    expect(tab.locator("#content-main")).to_contain_text("2 people let this app in.")
    expect(tab.locator("tbody tr")).to_have_count(2)
    assert editor.clicks == 2
    editor.click(link(tab, "Disable"))
    expect(tab.locator("#content-main")).to_contain_text("2 people use it, and are signed out of it at once.")
    assert client().enabled
    editor.click(tab.get_by_role("button", name="Yes, disable it"))
    expect(tab.get_by_role("status")).to_contain_text("The app is disabled.")
    assert not client().enabled
    assert editor.clicks == 4, "three, without the look at who uses it"
