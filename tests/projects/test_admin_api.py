from __future__ import annotations

from typing import Any

import pytest

from projects.models import Api
from tests.console import OPEN, ORDERS, REPORTS, api, browser, form_of, page, problems, project, send

pytestmark = pytest.mark.usefixtures("console")

NEW = "https://api.acme.example/new"


def add(username: str = "owner", **fields: Any) -> Any:
    new = {"project": project().pk, "identifier": NEW, "name": "New", **fields}
    return send(browser(username), page("projects_api_add"), new)


def change(username: str = "owner", identifier: str = ORDERS, **fields: Any) -> Any:
    return send(browser(username), page("projects_api_change", api(identifier).pk), fields)


def test_an_editor_adds_an_api_with_its_scopes() -> None:
    scopes = {"scopes-0-name": "new.read", "scopes-0-description": "See new things"}
    assert add("editor", token_lifetime="600", token_format="jwt", **scopes).status_code == 302
    assert (api(NEW).token_lifetime, api(NEW).token_format) == (600, "jwt")
    assert [scope.name for scope in api(NEW).scopes.all()] == ["new.read"]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("path", "registered"),
    [("/orders", True), ("/authority", True), ("/auth", False), ("/auth/orders", False), ("", False)],
)
def test_an_api_may_live_beside_the_providers_path_and_not_above_or_below(
    settings: Any, path: str, registered: bool
) -> None:
    settings.IDP_ISSUER = "https://api.acme.example/auth"
    Api.objects.all().delete()
    assert (add(identifier=f"https://api.acme.example{path}").status_code == 302) == registered


def test_an_editor_says_that_a_scope_is_sensitive() -> None:
    scopes = {"scopes-0-name": "new.read", "scopes-0-description": "See new things", "scopes-0-sensitive": "on"}
    assert add("editor", **scopes).status_code == 302
    assert api(NEW).scopes.get().sensitive


def test_the_identifier_and_the_project_stay() -> None:
    response = change(identifier=ORDERS, name="Renamed")
    assert response.status_code == 302
    http = browser("root")
    shown = form_of(http.get(page("projects_api_change", api().pk)))
    assert not {"identifier", "project"} & set(shown)
    moved = {**shown, "identifier": "https://moved.example", "project": project("other").pk}
    assert http.post(page("projects_api_change", api().pk), moved).status_code == 302
    assert (api().identifier, api().project.key, api().name) == (ORDERS, "acme", "Renamed")


@pytest.mark.any_database
@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "orders",
        "http://api.acme.example",
        "https://api.acme.example/a?b=c",
        "https://api.acme.example/#part",
        "https://user@api.acme.example",
        "https://api.acme.example/a/../b",
        "https://api.acme.example/a b",
        "https://[::1",
        "javascript:alert(1)",
        "https://api.acme.example/a\0b",
        "https://api.acme.example/" + "x" * 100_000,
        "http://localhost:8000/api/v1/",
    ],
)
def test_a_malformed_identifier_is_an_error_on_its_field(identifier: str) -> None:
    response = add("root", identifier=identifier)
    assert list(problems(response)) == ["identifier"]
    assert form_of(response)["identifier"] == identifier


def test_an_identifier_is_registered_once_whatever_its_spelling() -> None:
    for identifier in (ORDERS, ORDERS + "/", "https://API.acme.example:443/orders"):
        assert problems(add(identifier=identifier)) == {
            "identifier": ["This project has an API with this identifier already."]
        }


@pytest.mark.parametrize("identifier", [REPORTS, OPEN + "/below", "https://open.other.example"])
def test_apis_of_two_projects_never_overlap(identifier: str) -> None:
    for username in ("owner", "root"):
        assert problems(add(username, identifier=identifier)) == {
            "identifier": ["This address overlaps an API of another project."]
        }


def test_one_project_may_nest_its_apis() -> None:
    assert add(identifier=ORDERS + "/archive").status_code == 302


@pytest.mark.parametrize(
    "identifier", ["https://partner.example/a/b", "https://partner.example/a", "https://partner.example"]
)
def test_an_address_other_projects_use_is_not_taken_from_them(identifier: str) -> None:
    project("other").clients.get().audience_entries.create(value="https://partner.example/a")
    assert list(problems(add(identifier=identifier))) == ["identifier"]
    assert add("root", identifier=identifier).status_code == 302


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_lifetime", "0"),
        ("token_lifetime", "-1"),
        ("token_lifetime", "9" * 30),
        ("token_lifetime", "soon"),
        ("name", ""),
        ("name", "a\0b"),
        ("description", "x" * 100_000),
        ("shared", "everybody"),
        ("shared_with", "missing"),
        ("project", "\0"),
        ("project", "9" * 30),
        ("token_format", "\0"),
    ],
)
def test_bad_input_is_an_error_on_its_field(field: str, value: str) -> None:
    assert list(problems(add(**{field: value}))) == [field]
    assert not Api.objects.filter(identifier=NEW).exists()


@pytest.mark.any_database
@pytest.mark.parametrize("name", ["openid", "admin.read", "two words", 'a"b', "a\0b", "x" * 200, ""])
def test_a_bad_scope_is_an_error_on_its_row(name: str) -> None:
    errors = problems(add(**{"scopes-0-name": name, "scopes-0-description": "See"}))
    assert list(errors["inlines"][0]) == ["name"]


def test_a_scope_is_listed_once() -> None:
    row = {"description": "See your orders"}
    twice = {f"scopes-{n}-{name}": value for n in (1, 2) for name, value in {**row, "name": "twice"}.items()}
    assert problems(change(**{"scopes-TOTAL_FORMS": "3", **twice}))["inlines"]


def test_a_row_of_another_api_cannot_be_pulled_over() -> None:
    scope = api(REPORTS).scopes.get()
    change(**{"scopes-0-id": str(scope.pk), "scopes-0-name": "taken", "scopes-0-description": "Taken"})
    scope.refresh_from_db()
    assert (scope.api, scope.name, scope.description) == (api(REPORTS), "reports.read", "See reports")


def test_an_api_is_shared_with_projects_one_sees_only() -> None:
    for key in ("other", "missing"):
        errors = problems(change("owner", shared="listed", shared_with=key))
        assert errors == {"shared_with": [f"Not a project you are a member of: {key}."]}
    errors = problems(change("root", shared="listed", shared_with="other\nmissing"))
    assert errors == {"shared_with": ["There is no project with this key: missing."]}
    assert change("root", shared="listed", shared_with="other").status_code == 302
    assert change("owner", description="The listed project stays").status_code == 302
    assert [one.key for one in api().shared_with.all()] == ["other"]
    assert problems(change("root", shared="listed", shared_with="")) == {
        "shared_with": ["List at least one project, or share with nobody."]
    }


def test_an_api_in_an_allowlist_is_not_deleted() -> None:
    url = page("projects_api_delete", api().pk)
    for username in ("owner", "root"):
        http = browser(username)
        assert f"{ORDERS} is an audience of the client web" in http.get(url).content.decode()
        assert http.post(url, {"post": "yes"}).status_code == 200
    assert api()


def test_an_api_nobody_lists_is_deleted_by_an_editor() -> None:
    project().clients.get(client_id="web").audience_entries.all().delete()
    url = page("projects_api_delete", api().pk)
    text = browser("editor").get(url).content.decode()
    assert "1 scope" in text
    assert f"The address {ORDERS} stays closed to members of other projects." in text
    assert "never be used again" not in text
    assert browser("editor").post(url, {"post": "yes"}).status_code == 302
    assert not Api.objects.filter(identifier=ORDERS).exists()


def test_an_entry_below_a_nested_api_leans_on_that_one_alone() -> None:
    add(identifier=ORDERS + "/archive")
    project().clients.get(client_id="spa").audience_entries.create(value=ORDERS + "/archive/2020")
    project().clients.get(client_id="web").audience_entries.all().delete()
    assert browser("owner").post(page("projects_api_delete", api().pk), {"post": "yes"}).status_code == 302
    url = page("projects_api_delete", api(ORDERS + "/archive").pk)
    assert browser("owner").post(url, {"post": "yes"}).status_code == 200
    assert api(ORDERS + "/archive")
