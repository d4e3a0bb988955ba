"""An editor of one project wants tokens for another project's API, or for the provider's own. Nothing works."""

from __future__ import annotations

from typing import Any

import pytest

from clients.models import AudienceEntry, Client, SecurityEvent
from idp.configuration import ConfigurationError, apply
from projects.models import Api, Project, Shared
from tests.console import ORDERS, REPORTS, api, browser, client, form_of, page, problems, project, send
from tests.world import ISSUER, SECRETS, App

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("console")]
THIEF = "outsider"  # owns the project "other", and sees nothing else
ABOVE = "https://api.acme.example"
PROVIDER = f"{ISSUER}/api/v1"
WANTED = [ORDERS, f"{ORDERS}/7", ABOVE, "HTTPS://API.acme.example:443/orders/", PROVIDER, f"{PROVIDER}/x", ISSUER]
NOT_YOURS = ["Not an API of this project or shared with it. Only a superuser may list it."]
OVERLAP = ["This address overlaps an API of another project."]


def row(value: str, **more: str) -> dict[str, str]:
    return {f"audience_entries-0-{name}": text for name, text in {"value": value, "mode": "prefix", **more}.items()}


def change(**fields: Any) -> Any:
    """Save the thief's own client."""
    return send(browser(THIEF), page("clients_client_change", client("foreign").pk), fields)


def new_client(**fields: Any) -> Any:
    new = {"project": project("other").pk, "name": "New", "client_id": "new", "grant_types": ["client_credentials"]}
    return send(browser(THIEF), page("clients_client_add"), {**new, **fields})


def new_api(identifier: str, username: str = THIEF, key: str = "other") -> Any:
    new = {"project": project(key).pk, "identifier": identifier, "name": "New"}
    return send(browser(username), page("projects_api_add"), new)


def from_file(text: str) -> str:
    """What the operator hears who applies this in the name of the thief's project."""
    with pytest.raises(ConfigurationError) as raised:
        apply(f"version: 1\nprojects: [{{id: other, {text}}}]", path="other.yaml")
    return str(raised.value)


@pytest.fixture
def ask(monkeypatch: Any) -> Any:
    """A token request of the thief's client."""
    monkeypatch.setitem(SECRETS, "foreign", "foreign-secret")
    return lambda **params: App("foreign").token(grant_type="client_credentials", **params)


# --- Listing it ----------------------------------------------------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize("value", WANTED)
def test_it_is_not_listed_in_the_console(value: str) -> None:
    assert problems(change(**row(value)))["inlines"] == [{"value": NOT_YOURS}]
    assert problems(new_client(**row(value)))["inlines"] == [{"value": NOT_YOURS}]
    assert not AudienceEntry.objects.filter(client__project__key="other").exists()


@pytest.mark.parametrize(
    "value", [one for one in WANTED if one not in (ABOVE, ISSUER) and not one.startswith(PROVIDER)]
)
def test_it_is_not_listed_from_a_file(value: str) -> None:
    assert "not shared with this project" in from_file(f"clients: [{{client_id: foreign, audience: ['{value}']}}]")
    assert not AudienceEntry.objects.filter(client__project__key="other").exists()


def test_an_entry_of_ones_own_does_not_become_it() -> None:
    assert change(**row(REPORTS)).status_code == 302
    assert problems(change(**row(ORDERS)))["inlines"] == [{"value": NOT_YOURS}]
    assert client("foreign").audience_entries.get().value == REPORTS


@pytest.mark.any_database
@pytest.mark.parametrize("value", ["web", "missing"])
def test_a_client_of_another_project_is_listed_no_more_than_one_that_does_not_exist(value: str) -> None:
    assert problems(change(**row(value)))["inlines"] == [{"value": NOT_YOURS}]


@pytest.mark.any_database
@pytest.mark.parametrize("value", [ORDERS, f"{ORDERS}/7", f"{ISSUER}/api/v1", f"{ISSUER}/api/v1/x"])
@pytest.mark.parametrize("entry", ["above", "itself"])
def test_whatever_stands_in_the_allowlist_the_token_is_refused(ask: Any, value: str, entry: str) -> None:
    """A superuser listed the address above, or a row came in by another door."""
    above = ABOVE if value.startswith(ABOVE) else ISSUER
    AudienceEntry.objects.create(client=client("foreign"), value=above if entry == "above" else value)
    for name in ("audience", "resource"):
        response = ask(**{name: value})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
    Client.objects.filter(client_id="foreign").update(access_token_format="jwt")
    assert ask(audience=value).status_code == 400


# --- Becoming it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identifier", [ORDERS, f"{ORDERS}/7", ABOVE, f"{ISSUER}/api", f"{ISSUER}/api/v1/x", ISSUER])
def test_it_is_not_registered_a_second_time(identifier: str) -> None:
    assert list(problems(new_api(identifier))) == ["identifier"]
    from_file(f"apis: [{{identifier: '{identifier}', name: Mine}}]")
    assert not Api.objects.filter(identifier=identifier, project__key="other").exists()


def test_an_api_of_ones_own_does_not_move_there() -> None:
    http, url = browser(THIEF), page("projects_api_change", api(REPORTS).pk)
    moved = {**form_of(http.get(url)), "identifier": f"{ORDERS}/7", "project": project("acme").pk}
    assert http.post(url, moved).status_code == 302
    assert api(REPORTS).project.key == "other"
    assert not Api.objects.filter(identifier=f"{ORDERS}/7").exists()


def test_its_address_stays_with_its_project_after_it_was_deleted(ask: Any) -> None:
    """Tokens made for it may be alive, and its new owner could ask what they are worth."""
    AudienceEntry.objects.all().delete()
    gone = {"post": "yes"}
    assert browser("owner").post(page("projects_api_delete", api(ORDERS).pk), gone).status_code == 302
    for identifier in (ORDERS, f"{ORDERS}/7", ABOVE, ORDERS.upper().replace("/ORDERS", "/orders")):
        assert problems(new_api(identifier)) == {"identifier": OVERLAP}
    assert new_api(ORDERS, "owner", "acme").status_code == 302, "its own project may"
    assert SecurityEvent.objects.get(kind="api.deleted").detail == {"identifier": ORDERS, "project": "acme"}


def test_its_address_stays_when_the_whole_project_was_deleted() -> None:
    Client.objects.filter(project__key="acme").delete()
    assert (
        browser("root").post(page("projects_project_delete", project("acme").pk), {"name": "Acme"}).status_code == 302
    )
    assert not Project.objects.filter(key="acme").exists()
    assert problems(new_api(f"{ORDERS}/7")) == {"identifier": OVERLAP}
    assert new_api(f"{ORDERS}/7", "root").status_code == 302, "a superuser decides to whom it goes"


# --- Acting for it, asking about it, and having it shared ----------------------------------------------------------


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value", "more"),
    [
        ("acts_for", ORDERS, {}),
        ("acts_for", f"{ISSUER}/api/v1", {}),
        ("introspects", "web", {"introspection": "listed"}),
        ("allowed_callers", "web", {}),
    ],
)
def test_rights_over_it_are_not_taken(field: str, value: str, more: dict[str, str]) -> None:
    for answer in (change(**{field: value, **more}), new_client(**{field: value, **more})):
        assert problems(answer) == {field: [f"Not found in this project: {value}."]}
    assert not getattr(client("foreign"), field).exists()


def test_introspecting_everything_is_not_taken() -> None:
    assert list(problems(change(introspection="all"))) == ["introspection"]


def test_it_is_not_shared_by_those_who_do_not_own_it() -> None:
    url = page("projects_api_change", api(ORDERS).pk)
    answer = browser(THIEF).post(url, {"name": "Orders", "shared": Shared.PUBLIC, "shared_with": "other"})
    assert answer.status_code == 302
    assert answer["Location"] == page("index"), "as for an API that does not exist"
    assert (api(ORDERS).shared, api(ORDERS).shared_with.count()) == ("private", 0)
    assert "belongs to project 'acme'" in from_file(f"apis: [{{identifier: '{ORDERS}', shared: public}}]")


def test_a_list_of_projects_counts_only_while_it_is_shared_with_the_listed(ask: Any) -> None:
    api(ORDERS).shared_with.add(project("other"))
    assert problems(change(**row(ORDERS)))["inlines"] == [{"value": NOT_YOURS}]
    Api.objects.filter(identifier=ORDERS).update(shared=Shared.LISTED)
    assert change(**row(ORDERS)).status_code == 302
    assert ask(audience=ORDERS).status_code == 200
    Api.objects.filter(identifier=ORDERS).update(shared=Shared.PRIVATE)
    assert ask(audience=ORDERS).json()["error"] == "invalid_target"


# --- Being a client of it ------------------------------------------------------------------------------------------


def test_a_client_is_neither_made_in_nor_moved_to_its_project() -> None:
    assert list(problems(new_client(project=project("acme").pk))) == ["project"]
    http, url = browser(THIEF), page("clients_client_change", client("foreign").pk)
    assert http.post(url, {**form_of(http.get(url)), "project": project("acme").pk}).status_code == 302
    assert client("foreign").home.key == "other"
    text = "clients: [{client_id: web, enabled: true}]"
    assert "belongs to project 'acme' and stays there for ever" in from_file(text)


@pytest.mark.parametrize("client_id", [ORDERS, f"{ISSUER}/api/v1", "urn:acme:queue"])
def test_a_client_whose_id_is_an_audience_is_not_made(client_id: str, ask: Any) -> None:
    assert list(problems(new_client(client_id=client_id))) == ["client_id"]
    assert "client_id" in from_file(f"clients: [{{client_id: '{client_id}'}}]")
    # One that was there before the rule: its own tokens open nothing.
    Client.objects.filter(client_id="foreign").update(client_id=client_id)
    if client_id.startswith(("http", "https")):
        SECRETS[client_id] = "foreign-secret"
        response = App(client_id).token(grant_type="client_credentials")
        del SECRETS[client_id]
        assert (response.status_code, response.json()["error"]) == (400, "invalid_target")
