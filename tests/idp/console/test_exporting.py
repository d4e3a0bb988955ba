"""The file that `applyconfig` reads, from the console: of some apps, a project or everything one may change."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from clients.models import SecurityEvent
from idp.configuration import apply
from idp.configuration.export import What, export
from projects import access
from projects.models import Project
from tests.console import browser, client, form_of, page, project
from tests.world import Response

pytestmark = [pytest.mark.usefixtures("console"), pytest.mark.any_database]
EXPORT, LIST = page("export"), page("clients_client_changelist")


def given(username: str, query: str = "", **fields: Any) -> Any:
    return browser(username).post(EXPORT + query, {"secrets": "none", "format": "yaml", **fields})


def read(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 200
    found: dict[str, Any] = yaml.safe_load(answer.content)
    return found


@pytest.mark.parametrize("more", [{}, {"people": "yes"}])
def test_what_is_exported_changes_nothing_where_it_comes_from(more: dict[str, str]) -> None:
    answer = given("root", **more)
    assert [one["id"] for one in read(answer)["projects"]] == ["acme", "other"]
    assert not apply(answer.content.decode()).changed


def test_selected_apps_stand_below_their_project_and_nothing_else_does() -> None:
    chosen = {"action": "export", "index": "0", "_selected_action": [client("web").pk, client("spa").pk]}
    fields = form_of(browser("owner").post(LIST, chosen))
    answer = given("owner", apps=fields["apps"])
    [project] = read(answer)["projects"]
    assert (project["id"], sorted(project)) == ("acme", ["clients", "id", "name"])
    assert [one["client_id"] for one in project["clients"]] == ["spa", "web"]
    assert "client_secret" not in project["clients"][1]
    assert "Do not apply it with --prune" in answer.content.decode()


def test_secrets_are_said_to_be_elsewhere() -> None:
    text = given("owner", apps=str(client("web").pk), secrets="env").content.decode()
    assert "env:WEB_SECRET" in text
    assert "Has to be there where it is applied: WEB_SECRET." in text


@pytest.mark.parametrize("secrets", ["hash", "clear", ""])
def test_nothing_gives_secrets_or_their_hashes(secrets: str) -> None:
    assert given("root", secrets=secrets).status_code == 400


@pytest.mark.parametrize(
    ("username", "query", "status"),
    [
        ("root", "", 200),
        ("owner", "", 200),
        ("owner", "?project=acme", 200),
        ("editor", "?project=acme", 200),
        ("owner", "?project=other", 404),
        ("owner", "?project=none", 404),
        ("both", "?project=acme", 404),
        ("viewer", "", 403),
        ("viewer", "?project=acme", 403),
        ("nobody", "", 403),
    ],
)
def test_it_is_for_those_who_may_change_a_project(username: str, query: str, status: int) -> None:
    assert browser(username).get(EXPORT + query).status_code == status
    assert given(username, query).status_code == status


def test_a_member_gets_their_own_projects_only() -> None:
    document = read(given("owner", people="yes"))
    assert [one["id"] for one in document["projects"]] == ["acme"]
    assert "connectors" not in document


def test_an_empty_choice_exports_nothing() -> None:
    assert export(What([], users=True)).document == {"version": 1, "users": [], "projects": []}


def test_whoever_loses_their_last_project_meanwhile_gets_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Project.objects.filter(key="acme"), Project.objects.none()])
    monkeypatch.setattr(access, "editable", lambda _person: next(answers))
    assert given("owner").status_code == 403


def test_apps_chosen_on_the_page_of_a_project_are_asked_about() -> None:
    """The address names a project and the form names apps: the form counts."""
    answer = browser("owner").post(f"{EXPORT}?project=acme", {"apps": str(client("web").pk)})
    assert answer.status_code == 200


def test_apps_of_others_are_refused_as_those_that_do_not_exist() -> None:
    keys = f"{client('web').pk} {client('foreign').pk}"
    assert given("owner", apps=keys).status_code == 404
    assert given("owner", apps="987654321").status_code == 404
    assert given("viewer", apps=str(client("web").pk)).status_code == 403


def test_without_people_nobody_is_named() -> None:
    text = given("owner", "?project=acme").content.decode()
    assert "members" not in text
    assert "viewer" not in text


def test_who_exported_what_is_on_record() -> None:
    given("owner", "?project=acme", secrets="file")
    event = SecurityEvent.objects.get(kind="configuration.exported")
    assert event.detail == {"what": "acme", "project": "acme", "people": False, "secrets": "file"}
    assert "Configuration exported" in browser("viewer").get(page("activity")).content.decode()


def test_each_project_reads_that_it_was_exported_and_of_no_other() -> None:
    given("root", people="yes")
    rows = SecurityEvent.objects.filter(kind="configuration.exported")
    found = {row.detail.get("project"): row.detail for row in rows}
    assert rows.count() == 3
    assert {key for key in found if key} == {"acme", "other"}
    assert found["acme"] == {"what": "everything", "project": "acme", "people": True, "secrets": "none"}


def test_of_apps_each_app_has_it() -> None:
    given("owner", apps=f"{client('web').pk} {client('spa').pk}")
    rows = SecurityEvent.objects.filter(kind="configuration.exported").order_by("client_id")
    assert [(row.client_id, row.detail["what"]) for row in rows] == [("spa", "apps"), ("web", "apps")]


def test_the_name_of_the_file_says_what_it_is_and_when() -> None:
    answer = given("owner", "?project=acme", format="json")
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="acme-20')
    assert answer["Content-Disposition"].endswith('.json"')


def test_the_list_of_apps_leads_here_for_those_who_may() -> None:
    assert f'href="{EXPORT}"' in browser("owner").get(LIST).content.decode()
    assert f'href="{EXPORT}?project=acme"' in browser("owner").get(f"{LIST}?project=acme").content.decode()
    assert f'href="{EXPORT}' not in browser("viewer").get(LIST).content.decode()


def test_the_page_of_a_project_leads_here_for_those_who_may() -> None:
    where = page("projects_project_overview", project().pk)
    assert f'href="{EXPORT}?project=acme"' in browser("editor").get(where).content.decode()
    assert f'href="{EXPORT}' not in browser("viewer").get(where).content.decode()
