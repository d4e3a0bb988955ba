"""Groups by the API, and who belongs to them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import groups
from accounts.models import Group, User
from projects.actors import Actor
from tests.idp.api.caller import Api, machine, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
BY = Actor.operator("tests")


@pytest.fixture
def everything(world: None) -> Api:
    return machine(administers=("*",))


def user(name: str) -> User:
    return User.objects.get(username=name)


def put(api: Api, name: str, /, **said: Any) -> Any:
    return api.put(path("attributes", name), said)


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.content
    return [one["pointer"] for one in answer.json()["errors"]]


def test_a_group_is_made_once_renamed_and_deleted(everything: Api) -> None:
    made = everything.post(path("groups"), {"name": "Staff", "external_id": "42"}, Idempotency_Key="one")
    again = everything.post(path("groups"), {"name": "Staff", "external_id": "42"}, Idempotency_Key="one")
    assert (made.status_code, again.json()) == (201, made.json())
    assert pointers(everything.post(path("groups"), {"name": "staff"})) == ["/name"]
    address = path("groups", made.json()["id"])
    changed = everything.patch(address, {"name": "Crew", "external_id": None}, If_Match=made["ETag"])
    assert (changed.json()["name"], changed.json()["external_id"]) == ("Crew", "")
    assert everything.patch(address, {"name": "X"}, If_Match=made["ETag"]).status_code == 412
    assert [one["name"] for one in everything.get(path("groups") + "?name=CREW").json()["items"]] == ["Crew"]
    everything.put(f"{address}/members/{user('owner').sub}", None)
    assert everything.delete(address + "?dry_run=true").json()["deletes"] == {"members of groups": 1}
    assert everything.delete(address).status_code == 200
    assert everything.get(address).status_code == 404


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "a", "description": "x" * 501}, "/description"),
        ({"name": "a", "external_id": "x" * 256}, "/external_id"),
        ({"name": "a", "members": []}, "/members"),
    ],
)
def test_what_is_no_group_is_said_where_it_stands(everything: Api, said: Any, pointer: str) -> None:
    assert pointers(everything.post(path("groups"), said)) == [pointer]
    assert not Group.objects.exists()


def test_people_come_and_go_and_a_connectors_stay(everything: Api) -> None:
    staff = groups.make("staff", BY)
    groups.set_members(staff, [user("owner"), user("member")], "ldap", BY)
    members = path("groups", str(staff.pk), "members")
    owner = f"{members}/{user('owner').sub}"
    assert everything.put(owner, None).status_code == 201
    assert everything.put(owner, None).status_code == 200
    listed = everything.get(members).json()["items"]
    assert [(one["username"], one["sources"]) for one in listed] == [("owner", ["", "ldap"]), ("member", ["ldap"])]
    assert everything.get(path("users", user("owner").sub)).json()["groups"] == ["staff"]
    assert everything.delete(owner).status_code == 204
    assert everything.delete(owner).status_code == 404, "what the connector says is not taken back by hand"
    assert groups.group_names(user("owner").pk) == ("staff",)
    assert everything.put(f"{members}/nobody", None).status_code == 404
    assert everything.get(path("groups", "nothing", "members")).status_code == 404
