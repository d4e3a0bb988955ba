"""Finding out what happened, as a person does it: the tasks B2, B4 and B13, and how many clicks each takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from clients import registration
from clients.models import Client, RefusedRequest
from clients.policy import metadata_of
from projects.actors import Actor
from tests.browser.clicks import Counting
from tests.browser.scene import Scene, cookie

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SENT = "https://web.acme.example/callback"


def yesterday(reference: str) -> None:
    at = datetime.now(UTC) - timedelta(hours=25)
    told = f"redirect_uri is not registered for this client. redirect_uri: {SENT}"
    RefusedRequest.objects.create(
        client_id="web",
        endpoint="authorize",
        error="invalid_request",
        step="channel",
        description=told,
        request_ids=reference,
        count=14,
        hour=at,
        first_at=at,
        last_at=at,
    )


def at_the_console(page: Page, scene: Scene, live_server: Any) -> Counting:
    page.context.add_cookies([cookie(scene.sessions["root"], live_server.url)])
    page.goto(f"{live_server.url}/admin/")
    return Counting(page)


def test_why_an_app_was_refused_yesterday(page: Page, scene: Scene, live_server: Any) -> None:
    """B4: two clicks, where there was no way."""
    yesterday("e6cf24e9")
    person = at_the_console(page, scene, live_server)
    person.click(page.get_by_role("navigation", name="Console").get_by_role("link", name="Activity"))
    row = (
        page.get_by_role("listitem")
        .filter(has_text="A redirect URI that is not registered")
        .filter(has_text="14 times")
    )
    person.click(row.locator("summary"))
    expect(row.locator(".sent")).to_contain_text(SENT)
    expect(row.get_by_text("https://web.acme.example/cb", exact=True)).to_be_visible()
    expect(row.get_by_role("link", name="Register the sent redirect URI")).to_be_visible()
    assert (person.clicks, person.typed) == (2, 0)


def test_the_reference_of_an_error_is_understood_the_next_day(page: Page, scene: Scene, live_server: Any) -> None:
    """B2: one field and one click, by whoever was told the reference; then two more mend it."""
    yesterday("e6cf24e9")
    person = at_the_console(page, scene, live_server)
    field = page.get_by_label("Find apps, people and references")
    person.type(field, "e6cf24e9")
    person.press(field)
    person.click(page.get_by_role("link", name="redirect_uri is not registered for this client."))
    expect(page.locator(".sent")).to_contain_text(SENT)
    assert (person.clicks, person.typed) == (1, 1)
    person.click(page.get_by_role("link", name="Register the sent redirect URI"))
    person.click(page.get_by_role("button", name="Register it"))
    expect(page.get_by_text(f"Registered: {SENT}")).to_be_visible()
    assert SENT in Client.objects.get(client_id="web").redirect_uri_list
    assert (person.clicks, person.typed) == (3, 1)


def test_who_changed_what_over_everything(page: Page, scene: Scene, live_server: Any) -> None:
    """B13: two clicks, with what it was and what it became, and no identifier to look up."""
    root, web = User.objects.get(username="root"), Client.objects.get(client_id="web")
    before = metadata_of(web)
    registration.change(web, replace(before, access_token_lifetime=1_234), Actor.person(root))
    person = at_the_console(page, scene, live_server)
    person.click(page.get_by_role("navigation", name="Console").get_by_role("link", name="Activity"))
    person.click(page.get_by_role("link", name="Changes", exact=True))
    row = page.get_by_role("listitem").filter(has_text="App changed")
    expect(row).to_contain_text("Acme web")
    expect(row).to_contain_text("1234")
    expect(row).to_contain_text(str(before.access_token_lifetime))
    expect(row).to_contain_text("Robin")
    assert (person.clicks, person.typed) == (2, 0)
