"""The page of an API in the console: who may call it. And the map of a project."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.models import AudienceEntry, Client
from projects.models import Api, Project
from provider.admin import api_facts
from tests.console import OPEN, ORDERS, REPORTS, api, browser, client, page, project
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console")
MAP = "projects_api_map"


def look(username: str = "viewer", identifier: str = ORDERS, **query: Any) -> Response:
    return browser(username).get(page("projects_api_callers", api(identifier).pk), query)


def rows(answer: Response) -> list[tuple[str, str, str]]:
    """App, what it calls, and how."""
    context: Any = answer.context
    return [(one.app.client_id, one.identifier, one.how) for one in context["shown"].rows]


def lists(client_id: str, value: str, mode: str = "prefix") -> None:
    AudienceEntry.objects.create(client=client(client_id), value=value, mode=mode)


# --- Who may look ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "status"),
    [("root", 200), ("owner", 200), ("editor", 200), ("viewer", 200), ("outsider", 404), ("nobody", 404)],
)
def test_members_see_their_apis(username: str, status: int) -> None:
    assert look(username).status_code == status
    shown = browser(username).get(page(MAP), {"project": "acme"})
    assert shown.status_code == (403 if username == "nobody" else status)


@pytest.mark.parametrize("username", ["root", "owner"])
def test_nothing_is_sent_there(username: str) -> None:
    http = browser(username)
    assert http.post(page("projects_api_callers", api().pk)).status_code == 405
    assert http.post(page(MAP)).status_code == 405


@pytest.mark.parametrize(("username", "offered"), [("root", True), ("editor", True), ("viewer", False)])
def test_who_may_add_an_app_is_offered_one(username: str, offered: bool) -> None:
    assert ("New app that calls it" in look(username).content.decode()) is offered


@pytest.mark.parametrize("name", ["callers", "change", "history"])
def test_every_page_of_an_api_says_who_may_ask_for_it_and_offers_an_app(name: str) -> None:
    html = browser("editor").get(page(f"projects_api_{name}", api().pk)).content.decode()
    facts = html.partition('<p class="app-facts">')[2].partition("</p>")[0]
    assert 'class="badge' in facts
    assert "New app that calls it" in html


def test_it_is_ticked_on_the_page_of_the_new_app() -> None:
    text = look("editor").content.decode()
    (address,) = [one for one in re.findall(r'href="([^"]+)"', text) if "api=" in one]
    ticked: Any = browser("editor").get(unescape(address)).context
    assert [(one.api.value, one.api.ticked) for one in ticked["form"].offers] == [(ORDERS, True)]
    assert not any(scope.ticked for one in ticked["form"].offers for scope in one.scopes)


# --- Who may call it ------------------------------------------------------------------------------------------------


def test_apps_whose_list_means_it_are_there_with_their_scopes() -> None:
    answer = look()
    assert rows(answer) == [("web", ORDERS, "With an access token")]
    text = answer.content.decode()
    assert "orders.read" in text
    assert "See your orders" in text
    assert "Acme single page" not in text


def test_an_app_that_lists_a_part_of_it_may_call_that_part() -> None:
    lists("spa", f"{ORDERS}/7")
    assert ("spa", ORDERS, f"Below {ORDERS}/7 only") in rows(look())


@pytest.mark.parametrize(
    ("value", "mode", "calls"),
    [
        ("https://api.acme.example", "prefix", True),
        ("https://api.acme.example", "exact", False),
        (ORDERS, "exact", True),
        (f"{ORDERS}x", "prefix", False),
        ("https://api.acme.example:8443/orders", "prefix", False),
    ],
)
def test_an_entry_counts_as_it_does_in_a_request(value: str, mode: str, calls: bool) -> None:
    lists("spa", value, mode)
    assert ("spa" in {row[0] for row in rows(look())}) is calls


def test_one_that_is_nested_in_it_is_another() -> None:
    Api.objects.create(project=project(), identifier=f"{ORDERS}/inside", name="Inside")
    lists("spa", f"{ORDERS}/inside")
    assert "spa" not in {row[0] for row in rows(look())}
    assert rows(look(identifier=f"{ORDERS}/inside")) == [("spa", f"{ORDERS}/inside", "With an access token")]


def test_apps_of_other_projects_have_no_name_for_who_may_not_see_them() -> None:
    lists("web", OPEN)
    mine = look("outsider", OPEN)
    assert rows(mine) == []
    text = mine.content.decode()
    assert "Apps of other projects may call it as well." in text
    assert "Acme" not in text
    assert rows(look("both", OPEN)) == [("web", OPEN, "With an access token")]
    assert "as well" not in look("both", OPEN).content.decode()


def test_what_is_no_longer_shared_is_not_called() -> None:
    lists("web", OPEN)
    Api.objects.filter(identifier=OPEN).update(shared="private")
    api(OPEN).save()
    assert rows(look("root", OPEN)) == []
    assert "as well" not in look("outsider", OPEN).content.decode()


def test_an_id_token_is_a_way_to_call_it() -> None:
    """For the app that stands behind the API: its id is the audience then."""
    backend = client("web")
    backend.acts_for.add(api())
    AudienceEntry.objects.filter(client=backend).delete()
    Client.objects.filter(client_id="spa").update(cross_client_public=True)
    lists("spa", ORDERS)
    spa = client("spa")
    spa.save()
    assert ("spa", ORDERS, "With an ID token for Acme web") in rows(look())
    backend.allowed_callers.add(client("foreign"))
    backend.save()
    assert [row for row in rows(look()) if "ID token" in row[2]] == []


def test_who_acts_for_it_is_named() -> None:
    assert "No app. An API that asks" in look().content.decode()
    client("web").acts_for.add(api())
    assert "No app. An API that asks" not in look().content.decode()


def test_apps_come_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_facts, "PER_PAGE", 1)
    lists("spa", ORDERS)
    assert [[row[0] for row in rows(look(page=number))] for number in (1, 2)] == [["spa"], ["web"]]
    assert "Apps 2 to 2 of 2" in look(page=2).content.decode()


# --- The map --------------------------------------------------------------------------------------------------------


def test_the_map_shows_every_app_and_api_of_a_project() -> None:
    answer = browser("viewer").get(page(MAP), {"project": "acme"})
    assert rows(answer) == [("web", ORDERS, "With an access token")]
    text = answer.content.decode()
    assert "Acme single page" in text
    assert text.count('<path class="line allowed" d="M2') == 1


def test_who_has_one_project_sees_its_map_at_once_and_others_choose() -> None:
    assert "Acme web" in browser("viewer").get(page(MAP)).content.decode()
    text = browser("both").get(page(MAP)).content.decode()
    assert 'href="?project=acme"' in text
    assert 'href="?project=other"' in text
    assert browser("viewer").get(page(MAP), {"project": "other"}).status_code == 404


def test_an_api_of_another_project_is_known_by_its_address_alone() -> None:
    lists("web", OPEN)
    text = browser("viewer").get(page(MAP)).content.decode()
    assert OPEN in text
    assert "Open things" not in text
    assert "Open things" in browser("both").get(page(MAP), {"project": "acme"}).content.decode()


def test_what_is_not_shared_is_not_drawn() -> None:
    lists("web", OPEN)
    Api.objects.filter(identifier=OPEN).update(shared="private")
    api(OPEN).save()
    assert REPORTS not in browser("root").get(page(MAP), {"project": "acme"}).content.decode()
    assert rows(browser("root").get(page(MAP), {"project": "acme"})) == [("web", ORDERS, "With an access token")]


def test_a_project_without_apps_has_an_empty_map() -> None:
    Project.objects.create(key="empty", name="Empty")
    answer = browser("root").get(page(MAP), {"project": "empty"})
    assert "This project has no apps yet." in answer.content.decode()


def test_more_apps_cost_no_more_statements() -> None:
    def statements(address: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert http.get(address).status_code == 200
        return len(seen)

    http = browser("root")
    addresses = [page("projects_api_callers", api().pk), page(MAP) + "?project=acme"]
    for one in addresses:
        statements(one)
    before = [statements(one) for one in addresses]
    for number in range(5):
        made = Client.objects.create(
            project=project(), name=f"App {number}", client_id=f"app-{number}", client_type="confidential"
        )
        AudienceEntry.objects.create(client=made, value=ORDERS)
    for one in addresses:
        statements(one)
    assert [statements(one) for one in addresses] == before


@pytest.mark.parametrize("where", ["projects_api_change", "projects_api_callers"])
def test_the_pages_of_an_api_lead_to_each_other(where: str) -> None:
    text = browser("owner").get(page(where, api().pk)).content.decode()
    for other in ("projects_api_change", "projects_api_callers"):
        assert page(other, api().pk) in text
    assert page(MAP) in browser("owner").get(page("projects_api_changelist")).content.decode()
    shown = browser("viewer").get(page("projects_project_change", project().pk)).content.decode()
    assert f"{page(MAP)}?project=acme" in shown
