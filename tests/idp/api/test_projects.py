"""Projects by the API."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.models import User
from clients import resources
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.models import Member, Project
from projects.problems import RegistrationError
from projects.upstream import registration as connectors
from projects.upstream.metadata import ConnectorMetadata
from tests.idp.api.caller import OPERATOR, machine, path, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def test_members_see_their_projects_and_no_other() -> None:
    owner, outsider = person("owner"), person("outsider")
    found = owner.get(path("projects"))
    assert found.status_code == 200, found.content
    assert [one["id"] for one in found.json()["items"]] == ["acme"]
    assert outsider.get(path("projects")).json() == {"items": [], "next_cursor": None}
    assert [one["id"] for one in person("root").get(path("projects")).json()["items"]] == ["acme", "house", "other"]


def test_a_project_is_read_replaced_and_patched() -> None:
    owner = person("owner")
    before = owner.get(path("projects", "acme"))
    assert before.json()["members"] == {"owners": ["owner"], "editors": ["member"], "viewers": []}
    again = owner.put(path("projects", "acme"), before.json(), If_Match=before["ETag"])
    assert (again.status_code, again.json(), again["ETag"]) == (200, before.json(), before["ETag"])
    assert not SecurityEvent.objects.filter(kind="project.changed").exists()
    changed = owner.patch(path("projects", "acme"), {"longest_grant": 3600, "name": "Acme Ltd"})
    assert changed.json() == {**before.json(), "longest_grant": 3600, "name": "Acme Ltd"}
    event = SecurityEvent.objects.get(kind="project.changed")
    assert event.sub == User.objects.get(username="owner").sub
    assert event.detail["through"] == "tool"
    lost = owner.put(path("projects", "acme"), before.json(), If_Match=before["ETag"])
    assert (lost.status_code, lost.json()["type"]) == (412, "urn:vestibule:problem:precondition_failed")


def test_only_superusers_and_machines_with_every_project_add_one() -> None:
    everything = machine(administers=("*",))
    made = everything.put(path("projects", "new"), {"name": "New"}, If_None_Match="*")
    assert (made.status_code, made["Location"]) == (201, "http://localhost:8000/api/v1/projects/new")
    assert everything.put(path("projects", "new"), {"name": "New"}, If_None_Match="*").status_code == 412
    event = SecurityEvent.objects.get(kind="project.created", detail__project="new")
    assert (event.sub, event.detail["by"], event.detail["through"]) == ("", "deployer", "deployer")
    assert person("owner").put(path("projects", "another"), {"name": "X"}).status_code == 404


def test_what_a_role_does_not_allow_is_told_apart_from_what_nobody_may_know() -> None:
    Member.objects.filter(user__username="member").update(role="viewer")
    viewer, outsider = person("member"), person("outsider")
    assert viewer.patch(path("projects", "acme"), {"name": "X"}).status_code == 403
    assert viewer.delete(path("projects", "acme")).status_code == 403
    for key in ("acme", "nothing", "a\0b", "%2e%2e", "x" * 3000):
        answers = [outsider.ask(method, path("projects", key), {}) for method in ("GET", "PUT", "PATCH", "DELETE")]
        assert {(one.status_code, one.content) for one in answers} == {(404, answers[0].content)}


def test_a_deletion_says_what_stands_in_its_way_and_what_goes_with_it() -> None:
    owner = person("owner")
    refused = owner.delete(path("projects", "acme"))
    assert refused.status_code == 409
    assert "It has the client web. Delete it first." in [one["detail"] for one in refused.json()["errors"]]
    Project.objects.get(key="acme").clients.all().delete()
    asked = owner.delete(path("projects", "acme") + "?dry_run=true")
    assert asked.json() == {"deletes": {"members": 2, "consent screens": 1, "APIs": 2}, "obstacles": []}
    assert Project.objects.filter(key="acme").exists()
    assert owner.delete(path("projects", "acme")).json() == asked.json()
    assert not Project.objects.filter(key="acme").exists()


def test_it_goes_with_everything_where_that_is_said() -> None:
    owner, address = person("owner"), path("projects", "acme") + "?everything=true"
    number = Project.objects.get(key="acme").clients.count()
    asked = owner.delete(f"{address}&dry_run=true").json()
    assert (asked["deletes"]["clients"], asked["deletes"]["apis"], asked["obstacles"]) == (number, 2, [])
    assert person("outsider").delete(address).status_code == 404
    assert person("member").delete(address).status_code == 403
    assert owner.delete(address).json() == asked
    assert not Project.objects.filter(key="acme").exists()


def test_problems_stand_where_the_value_does() -> None:
    refused = person("owner").patch(
        path("projects", "acme"), {"members": {"owners": ["owner", "nobody"]}, "consent_screen": {"tos_uri": "x"}}
    )
    assert (refused.status_code, refused["Content-Type"]) == (422, "application/problem+json")
    assert {one["pointer"] for one in refused.json()["errors"]} == {"/members/owners/1", "/consent_screen/tos_uri"}


def test_who_may_not_delete_a_connector_deletes_no_project_that_has_one() -> None:
    wanted = ConnectorMetadata(id="corp", name="Corp", kind="oidc", issuer="https://corp.example", client_id="us")
    connectors.register(replace(wanted, project="acme"), OPERATOR)
    address, why = path("projects", "acme"), "Only a superuser may change connectors."
    assert why in person("owner").delete(address + "?dry_run=true").json()["obstacles"]
    assert why not in person("root").delete(address + "?dry_run=true").json()["obstacles"]
    with pytest.raises(RegistrationError, match=why):
        resources.delete_project(Project.objects.get(key="acme"), Actor.person(User.objects.get(username="owner")))
