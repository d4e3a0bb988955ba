"""How much there may be: what bounds a request holds for everybody, what bounds a project for its members."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.models import User
from clients import registration, resources
from clients.metadata import Audience, ClientMetadata
from clients.models import AudienceEntry, Client
from clients.policy import metadata_of, problems
from idp.configuration import apply
from projects import api_registration, quotas
from projects.actors import Actor
from projects.metadata import ApiMetadata
from projects.problems import RegistrationError
from tests import console
from tests.console import ORDERS, api, browser, client, page, project, send

pytestmark = pytest.mark.usefixtures("console")

FULL = "This project has %s of them, which is the limit. Delete one, or ask a superuser."
NEW = "https://new.acme.example"


def by(username: str) -> Actor:
    return Actor.person(User.objects.get(username=username))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Acme has an API and two clients; with one more it is full."""
    monkeypatch.setattr(quotas, "APIS", 2)
    monkeypatch.setattr(quotas, "CLIENTS", 3)


def test_members_fill_their_project_with_clients_and_a_superuser_goes_on() -> None:
    registration.register(ClientMetadata(client_id="third"), project(), by("editor"))
    with pytest.raises(RegistrationError) as refused:
        registration.register(ClientMetadata(client_id="fourth"), project(), by("owner"))
    assert [(one.field, one.message) for one in refused.value.problems] == [("project", FULL % 3)]
    shown = send(browser("editor"), page("clients_client_add"), {"project": project().pk, "name": "New"})
    assert console.problems(shown)["project"] == [FULL % 3]
    registration.change(client(), replace(metadata_of(client()), client_name="Renamed"), by("editor"))
    registration.register(ClientMetadata(client_id="fourth"), project(), by("root"))
    apply({"version": 1, "projects": [{"id": "acme", "clients": [{"client_id": "fifth"}]}]})
    assert project().clients.count() == 5


def test_members_fill_their_project_with_apis_and_a_superuser_goes_on() -> None:
    resources.register_api(ApiMetadata(identifier=NEW, name="New"), project(), by("editor"))
    third = ApiMetadata(identifier=f"{NEW}/third", name="Third")
    with pytest.raises(RegistrationError) as refused:
        resources.register_api(third, project(), by("owner"))
    assert [(one.field, one.message) for one in refused.value.problems] == [("project", FULL % 2)]
    new = {"project": project().pk, "name": "New", "identifier": third.identifier}
    assert console.problems(send(browser("editor"), page("projects_api_add"), new))["project"] == [FULL % 2]
    renamed = replace(api_registration.metadata_of(api()), name="Renamed")
    assert api_registration.change(api(), renamed, by("editor")) == ["name"]
    resources.register_api(third, project(), by("root"))


@pytest.mark.parametrize("username", ["editor", "root"])
def test_what_a_request_has_to_look_at_is_bounded_for_everybody(username: str) -> None:
    entries = [Audience(f"{ORDERS}/{number}", "prefix", True) for number in range(quotas.DEFAULT_AUDIENCES + 1)]
    allowed = metadata_of(client()).changed({"audience": tuple(entries[:-1])})
    registration.change(client(), allowed, by(username))
    [problem] = problems(allowed.changed({"audience": tuple(entries)}), project(), by(username), client())
    assert (problem.field, problem.message) == ("audience[20].default", "At most 20 audiences may be defaults.")


def test_the_console_says_it_at_the_row_that_is_too_many() -> None:
    fields: dict[str, object] = {"audience_entries-TOTAL_FORMS": quotas.DEFAULT_AUDIENCES + 3}  # below two others
    for number in range(quotas.DEFAULT_AUDIENCES + 1):
        row = f"audience_entries-{number + 2}"
        fields |= {f"{row}-value": f"{ORDERS}/{number}", f"{row}-mode": "prefix", f"{row}-default": "on"}
    shown = send(browser("editor"), page("clients_client_change", client().pk), fields)
    assert console.problems(shown)["inlines"] == [{"default": ["At most 20 audiences may be defaults."]}]


def test_what_is_there_already_stays_and_may_be_disabled() -> None:
    web = client()
    AudienceEntry.objects.bulk_create(
        AudienceEntry(client=web, value=f"{ORDERS}/{number}", canonical=f"{ORDERS}/{number}", default=True)
        for number in range(quotas.AUDIENCES + 5)
    )
    assert "enabled" in registration.change(web, metadata_of(web).changed({"enabled": False}), by("owner"))
    assert not Client.objects.get(client_id="web").enabled
