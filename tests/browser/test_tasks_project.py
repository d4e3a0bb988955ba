"""What one does with a project, as people do it: each task in few clicks (`tests/browser/clicks.py`)."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from clients.models import Authorization, Client
from projects.models import Member, Project
from tests.browser.clicks import Counting
from tests.browser.scene import Scene, cookie
from tests.pictures import picture
from tests.snapshot import Snapshot, applied

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
APPS = 40
API = "https://api.bakery.example/bread"
_CLIENTS = "".join(
    f"""
      - client_id: bakery-{number}
        client_name: Bakery {number:02}
        token_endpoint_auth_method: none
        grant_types: [authorization_code]
        redirect_uris: ["https://shop.bakery.example/{number}"]
        scope: openid bread.read
        audience: [{API}]
"""
    for number in range(APPS)
)
_BAKERY = f"""
version: 1
projects:
  - id: bakery
    name: Bakery
    apis: [{{identifier: {API}, name: Bread, scopes: {{bread.read: See bread}}}}]
    clients:{_CLIENTS}
"""
_bakery = Snapshot(partial(applied, _BAKERY, "bakery.yaml"))


@pytest.fixture
def bakery(scene: Scene) -> Project:
    """A project of forty apps, which list its own API."""
    _bakery()
    return Project.objects.get(key="bakery")


def at(page: Page, live_server: Any, scene: Scene, who: str, name: str, *args: Any) -> Counting:
    page.context.add_cookies([cookie(scene.sessions[who], live_server.url)])
    page.goto(live_server.url + reverse(f"admin:{name}", args=args))
    return Counting(page)


def test_a_project_of_forty_apps_is_deleted_in_three_clicks(
    page: Page, live_server: Any, scene: Scene, bakery: Project
) -> None:
    """B8: from the list of projects."""
    person = at(page, live_server, scene, "root", "projects_project_changelist")
    person.click(page.get_by_role("link", name="Bakery", exact=True))
    person.click(page.get_by_role("link", name="Delete", exact=True))
    expect(page.get_by_role("listitem").filter(has_text="Apps").filter(has_text=str(APPS))).to_be_visible()
    person.type(page.get_by_label("Type Bakery to delete it"), "Bakery")
    person.click(page.get_by_role("button", name="Delete it with everything"))
    expect(page.get_by_role("status")).to_contain_text("“Bakery” and everything in it is deleted.")
    assert not Project.objects.filter(key="bakery").exists()
    assert not Client.objects.filter(client_id__startswith="bakery-").exists()
    assert (person.clicks, person.typed) == (3, 1)


def test_a_member_who_sees_one_project_is_added_in_four_clicks(
    page: Page, live_server: Any, scene: Scene, browser: Browser
) -> None:
    """B9: with the place in the console."""
    acme = Project.objects.get(key="acme")
    person = at(page, live_server, scene, "root", "projects_project_changelist")
    person.click(page.get_by_role("link", name="Acme", exact=True))
    person.click(page.get_by_role("navigation", name="This project").get_by_role("link", name="Members"))
    person.type(page.get_by_label("User name or e-mail address"), "outsider")
    person.click(page.get_by_label("Also let them into the console"))
    person.click(page.get_by_role("button", name="Add", exact=True))
    expect(page.get_by_role("status")).to_contain_text("Added the member outsider.")
    assert (person.clicks, person.typed) == (4, 1)
    assert Member.objects.get(project=acme, user__username="outsider").role == "viewer"
    assert User.objects.get(username="outsider").is_staff
    theirs = browser.new_context()
    them = theirs.new_page()
    at(them, live_server, scene, "outsider", "projects_project_changelist")
    expect(them.locator("#result_list tbody tr")).to_have_count(1)
    expect(them.locator("#result_list")).to_contain_text("Acme")
    theirs.close()


def test_the_preview_follows_what_is_typed(page: Page, live_server: Any, scene: Scene) -> None:
    acme = Project.objects.get(key="acme")
    person = at(page, live_server, scene, "root", "projects_project_consent", acme.pk)
    shown = page.frame_locator('iframe[title="Preview on a desktop"]')
    expect(shown.get_by_role("heading", level=1)).to_contain_text("Acme")
    person.type(page.get_by_label("Name shown to people"), "A new name")
    expect(shown.get_by_role("heading", level=1)).to_contain_text("A new name")
    dark = page.frame_locator('iframe[title="Preview in dark colours"]')
    expect(dark.get_by_role("heading", level=1)).to_contain_text("A new name")
    page.get_by_label("Language").select_option("de")
    expect(shown.locator("html")).to_have_attribute("lang", "de")
    acme.refresh_from_db()
    assert acme.consent_screen.app_name != "A new name", "not saved yet"


def test_the_preview_is_no_place_to_answer(page: Page, live_server: Any, scene: Scene) -> None:
    acme = Project.objects.get(key="acme")
    at(page, live_server, scene, "root", "projects_project_consent", acme.pk)
    before = Authorization.objects.count()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.method))
    shown = page.frame_locator('iframe[title="Preview on a phone"]')
    shown.get_by_role("button", name="Allow").press("Enter")
    expect(shown.get_by_role("button", name="Allow")).to_be_visible()
    assert "POST" not in asked
    assert Authorization.objects.count() == before


def test_the_preview_works_without_scripts(live_server: Any, scene: Scene, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    acme = Project.objects.get(key="acme")
    person = at(page, live_server, scene, "root", "projects_project_consent", acme.pk)
    person.type(page.get_by_label("Name shown to people"), "Typed by hand")
    person.click(page.get_by_role("button", name="Preview"))
    shown = page.frame_locator('iframe[title="Preview on a desktop"]')
    expect(shown.get_by_role("heading", level=1)).to_contain_text("Typed by hand")
    expect(page.get_by_label("Name shown to people")).to_have_value("Typed by hand")
    context.close()


def test_a_logo_is_seen_before_it_is_saved_and_then_kept(page: Page, live_server: Any, scene: Scene) -> None:
    acme = Project.objects.get(key="acme")
    person = at(page, live_server, scene, "root", "projects_project_consent", acme.pk)
    page.get_by_label("Logo").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": picture()})
    drawn = page.frame_locator('iframe[title="Preview on a desktop"]').locator("form.consent img").first
    expect(drawn).to_have_attribute("src", re.compile("^data:image/png;base64,"))
    person.click(page.get_by_role("button", name="Save"))
    expect(page.get_by_role("status")).to_contain_text("People see it like this from now on.")
    expect(drawn).to_have_attribute("src", re.compile("/[0-9a-f]{64}$"))
    assert person.clicks == 1
