"""What an administrator does with many apps, keys and tokens, as a person does it; and how much work it is."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from clients.models import Client, SigningKey
from clients.models.keys import KeyState
from tests.browser.clicks import Counting
from tests.browser.scene import Scene, cookie
from tests.world import App

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.idp.page_urls")]


def at(page: Page, scene: Scene, live_server: Any, address: str) -> Counting:
    page.context.clear_cookies()
    page.context.add_cookies([cookie(scene.sessions["root"], live_server.url)])
    page.goto(f"{live_server.url}{address}")
    return Counting(page)


def test_five_apps_are_disabled_in_seven_clicks(page: Page, scene: Scene, live_server: Any) -> None:
    names = ["web", "spa", "native", "service", "sibling"]
    person = at(page, scene, live_server, "/admin/clients/client/")
    for name in names:
        row = page.locator("#result_list tr").filter(has=page.locator("td.field-client_id", has_text=name)).first
        person.click(row.locator("input[name=_selected_action]"))
    person.click(page.get_by_role("button", name="Disable"))
    expect(page.get_by_text("5 apps", exact=True)).to_be_visible()
    person.click(page.get_by_role("button", name="Yes, disable them"))
    expect(page.get_by_text("5 apps disabled.")).to_be_visible()
    assert not Client.objects.filter(client_id__in=names, enabled=True).exists()
    assert (person.clicks, person.typed) == (7, 0)


def test_back_at_a_list_what_is_ticked_is_what_is_counted(page: Page, scene: Scene, live_server: Any) -> None:
    at(page, scene, live_server, "/admin/clients/client/")
    for number in (0, 1):
        page.locator("input[name=_selected_action]").nth(number).check()
    page.locator("#result_list tbody a").first.click()
    page.get_by_role("link", name="Secrets and keys").wait_for()
    page.go_back()
    ticked = page.locator("input[name=_selected_action]:checked").count()
    expect(page.locator(".action-counter")).to_contain_text(f"{ticked} of")


def test_the_configuration_is_exported_in_two_clicks(page: Page, scene: Scene, live_server: Any) -> None:
    """B12, which was not possible."""
    person = at(page, scene, live_server, "/admin/clients/client/")
    person.click(page.locator(".object-tools").get_by_role("link", name="Export"))
    with page.expect_download() as download:
        person.click(page.get_by_role("button", name="Download YAML"))
    assert download.value.suggested_filename.startswith("everything-")
    assert (person.clicks, person.typed) == (2, 0)


def test_all_keys_are_rotated_in_two_clicks(page: Page, scene: Scene, live_server: Any) -> None:
    """B10, which took three for each algorithm."""
    SigningKey.objects.filter(state=KeyState.NEXT).update(created_at="2026-01-01T00:00:00Z")
    before = set(SigningKey.objects.filter(state=KeyState.NEXT).values_list("kid", flat=True))
    person = at(page, scene, live_server, "/admin/clients/signingkey/")
    person.click(page.get_by_role("link", name="Rotate the keys"))
    person.click(page.get_by_role("button", name="Yes, rotate them"))
    expect(page.get_by_text("RS256: the next key signs from now on")).to_be_visible()
    assert set(SigningKey.objects.filter(state=KeyState.ACTIVE).values_list("kid", flat=True)) == before
    assert (person.clicks, person.typed) == (2, 0)


def test_a_token_is_explained_by_one_click_and_one_field(page: Page, scene: Scene, live_server: Any) -> None:
    token = App("service").token(grant_type="client_credentials").json()["access_token"]
    person = at(page, scene, live_server, "/admin/inspect/")
    person.type(page.get_by_label("A token or code"), token)
    person.click(page.get_by_role("button", name="Inspect"))
    expect(page.get_by_role("heading", name="Access token")).to_be_visible()
    expect(page.get_by_role("link", name="Acme service")).to_be_visible()
    assert token not in page.content()
    assert token not in page.url
    assert (person.clicks, person.typed) == (1, 1)
