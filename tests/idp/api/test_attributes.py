"""Attributes by the API, and who has which."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import attributes
from accounts.attributes import STANDARD
from accounts.models import AccountEvent, Attribute, EditableBy, User
from clients.models import SecurityEvent
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


# --- Attributes ------------------------------------------------------------------------------------------------------


def test_the_standard_claims_are_there_from_the_start(everything: Api) -> None:
    listed = everything.get(path("attributes")).json()
    assert [one["name"] for one in listed["items"]] == [*STANDARD]
    assert all(one["standard"] for one in listed["items"])
    assert everything.get(path("attributes", "nickname")).json()["editable_by"] == "person"


def test_an_attribute_is_added_replaced_and_deleted(everything: Api) -> None:
    made = put(everything, "department", label="Department", editable_by="person", position=3)
    assert (made.status_code, made["Location"].endswith("/attributes/department")) == (201, True)
    assert made.json() == {
        "name": "department",
        "type": "text",
        "label": "Department",
        "editable_by": "person",
        "position": 3,
        "standard": False,
        "people": 0,
    }
    again = everything.put(path("attributes", "department"), made.json())
    assert (again.status_code, again.json()) == (200, made.json())
    everything.patch(path("users", user("owner").sub), {"attributes": {"department": "Gardening"}})
    there = everything.get(path("attributes", "department"))
    assert there.json()["people"] == 1, "how many would lose it"
    late = everything.put(path("attributes", "department"), {"type": "list"}, If_Match=made["ETag"])
    assert late.status_code == 412
    assert put(everything, "department", type="list").json()["people"] == 0
    everything.patch(path("users", user("owner").sub), {"attributes": {"department": ["a", "b"]}})
    asked = everything.delete(path("attributes", "department") + "?dry_run=true")
    assert asked.json() == {"deletes": {"values": 1}, "obstacles": []}
    assert everything.delete(path("attributes", "department")).json() == asked.json()
    assert everything.get(path("attributes", "department")).status_code == 404
    assert "department" not in user("owner").attributes
    kinds = AccountEvent.objects.filter(kind__startswith="attribute.").order_by("pk").values_list("kind", "detail__by")
    assert [*kinds] == [(f"attribute.{what}", "deployer") for what in ("created", "changed", "deleted")]


@pytest.mark.parametrize(
    ("name", "said", "pointer"),
    [
        ("sub", {}, "/name"),
        ("two words", {}, "/name"),
        ("Groups", {}, "/name"),
        ("department", {"name": "other"}, "/name"),
        ("department", {"type": "url"}, "/type"),
        ("department", {"type": "json"}, "/type"),
        ("department", {"label": "x" * 101}, "/label"),
        ("department", {"label": "a\nb"}, "/label"),
        ("department", {"editable_by": "everybody"}, "/editable_by"),
        ("department", {"position": -1}, "/position"),
        ("department", {"position": True}, "/position"),
        ("department", {"claim": "x"}, "/claim"),
        ("nickname", {"type": "number"}, "/type"),
    ],
)
def test_what_cannot_be_an_attribute_is_said_where_it_stands(
    everything: Api, name: str, said: dict[str, Any], pointer: str
) -> None:
    assert pointers(put(everything, name, **said)) == [pointer]


def test_of_a_standard_claim_only_its_editors_are_said_and_forgotten(everything: Api) -> None:
    assert put(everything, "nickname", editable_by="administrator").status_code == 200
    assert attributes.schema()["nickname"].editable_by is EditableBy.ADMINISTRATOR
    assert everything.delete(path("attributes", "nickname")).json()["deletes"] == {}
    assert everything.get(path("attributes", "nickname")).json()["editable_by"] == "person"


# --- What people have ------------------------------------------------------------------------------------------------


def test_attributes_of_a_person_are_changed_by_a_merge_patch(everything: Api) -> None:
    put(everything, "payroll", type="number", editable_by="import")
    address = path("users", user("owner").sub)
    said = {"nickname": "Ollie", "birthdate": "1990", "phone_number": None, "address": {"country": "FR"}}
    shown = everything.patch(address, {"attributes": said}).json()["attributes"]
    assert shown == {
        "nickname": "Ollie",
        "birthdate": "1990",
        "address": {"formatted": "1 Main St", "country": "FR"},
    }
    assert user("owner").attributes == shown
    names = ["address", "birthdate", "nickname", "phone_number"]
    event = SecurityEvent.objects.get(kind="person.changed")
    assert event.detail["changed"] == [f"attributes.{name}" for name in names]
    [told] = AccountEvent.objects.filter(sub=user("owner").sub, kind="profile.changed").values_list("detail", flat=True)
    assert (told["by"], told["changed"]) == ("deployer", names)
    assert everything.patch(address, {"attributes": None}).json()["attributes"] == {}


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"nickname": 5}, "/attributes/nickname"),
        ({"picture": "javascript:alert(1)"}, "/attributes/picture"),
        ({"given_name": "Olive"}, "/attributes/given_name"),
        ({"nick name": "x"}, "/attributes/nick name"),
        ({"address": {"planet": "Earth"}}, "/attributes/address"),
        ({"payroll": 5}, "/attributes/payroll"),
        ([], "/attributes"),
    ],
)
def test_what_somebody_cannot_have_is_said_where_it_stands(everything: Api, said: Any, pointer: str) -> None:
    put(everything, "payroll", type="number", editable_by="import")
    assert pointers(everything.patch(path("users", user("owner").sub), {"attributes": said})) == [pointer]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_row_is_locked_before_it_is_compared(everything: Api, method: str) -> None:
    """Two who both saw the same may not both change it."""
    put(everything, "department")
    with CaptureQueriesContext(connection) as asked:
        everything.ask(method, path("attributes", "department"), {"label": "D"} if method == "PUT" else None)
    first, *_rest = (one["sql"] for one in asked if f'FROM "{Attribute._meta.db_table}"' in one["sql"])
    assert "WHERE" in first
    assert connection.vendor != "postgresql" or first.endswith("FOR UPDATE")


def test_a_name_that_only_an_import_sets_is_not_edited_here(everything: Api) -> None:
    put(everything, "family_name", editable_by="import")
    address = path("users", user("owner").sub)
    before = everything.get(address).json()
    assert pointers(everything.patch(address, {"given_name": "O", "family_name": "X"})) == ["/family_name"]
    assert everything.patch(address, {"family_name": before["family_name"], "given_name": "O"}).status_code == 200
    assert pointers(everything.post(path("users"), {"username": "new", "family_name": "X"})) == ["/family_name"]
