"""Groups by SCIM, and whom a client puts into them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import groups
from accounts.events import Whoever
from accounts.models import AccountEvent, Group, GroupMember, User
from idp.scim import groups as scim_groups
from tests.idp.scim.conftest import Scim, provisioner
from tests.world import ISSUER

pytestmark = pytest.mark.django_db
HAND = Whoever("tests")


def of(group: dict[str, Any] | Group) -> str:
    return f"/Groups/{group.pk if isinstance(group, Group) else group['id']}"


def sub_of(username: str) -> str:
    return User.objects.get(username=username).sub


def named(*usernames: str) -> list[dict[str, str]]:
    return [{"value": sub_of(one)} for one in usernames]


def members(scim: Scim, group: dict[str, Any] | Group) -> set[str]:
    said = scim.get(of(group)).json().get("members", ())
    return {User.objects.get(sub=one["value"]).username for one in said}


@pytest.fixture
def readers(scim: Scim) -> dict[str, Any]:
    return scim.make("Groups", displayName="Readers", externalId="g-1", members=named("owner", "member"))


@pytest.fixture
def by_hand(world: None) -> Group:
    group = groups.make("Staff", HAND)
    groups.set_members(group, [User.objects.get(username="outsider")], "", HAND)
    return group


def test_a_group_is_told_back_as_it_was_said(scim: Scim, readers: dict[str, Any]) -> None:
    assert (readers["displayName"], readers["externalId"]) == ("Readers", "g-1")
    owner = sub_of("owner")
    one = {"value": owner, "$ref": f"{ISSUER}/scim/v2/Users/{owner}", "type": "User"}
    assert one in readers["members"]
    assert scim.get(of(readers)).json() == readers
    assert GroupMember.objects.filter(group=readers["id"], source="scim:directory").count() == 2
    [belongs] = scim.get(f"/Users/{owner}").json()["groups"]
    assert (belongs["value"], belongs["display"]) == (readers["id"], "Readers")


def test_each_change_is_one_event_with_its_source(scim: Scim, readers: dict[str, Any]) -> None:
    scim.patch(of(readers), {"op": "remove", "path": f'members[value eq "{sub_of("owner")}"]'})
    events = AccountEvent.objects.filter(sub=sub_of("owner"), kind="groups.changed").order_by("pk")
    assert [one.detail.keys() - {"source", "by", "through"} for one in events] == [{"added"}, {"removed"}]
    assert {(one.detail["source"], one.detail["by"]) for one in events} == {("scim:directory", "directory")}
    created = AccountEvent.objects.get(kind="group.created")
    assert created.detail["by"] == "directory"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([{"op": "Add", "path": "members", "value": ["outsider"]}], {"owner", "member", "outsider"}),
        ([{"op": "add", "value": {"members": ["outsider"]}}], {"owner", "member", "outsider"}),
        ([{"op": "Remove", "path": "members", "value": ["owner"]}], {"member"}),
        ([{"op": "remove", "path": 'members[value eq "owner"]'}], {"member"}),
        ([{"op": "remove", "path": 'members[value eq "owner" or value eq "member"]'}], set()),
        ([{"op": "remove", "path": 'members[type eq "User" and value eq "owner"]'}], {"member"}),
        ([{"op": "remove", "path": "members"}], set()),
        ([{"op": "Replace", "path": "members", "value": ["outsider"]}], {"outsider"}),
        ([{"op": "replace", "value": {"id": "x", "members": ["outsider"]}}], {"outsider"}),
        (
            [
                {"op": "remove", "path": "MEMBERS", "value": ["owner"]},
                {"op": "add", "path": "members", "value": ["owner", "outsider"]},
                {"op": "remove", "path": 'members[value eq "outsider"]'},
            ],
            {"owner", "member"},
        ),
        ([{"op": "remove", "path": 'members[value eq "nobody"]'}], {"owner", "member"}),
        ([{"op": "Add", "path": "members", "value": []}], {"owner", "member"}),
    ],
)
def test_s1_every_form_of_coming_and_going_is_understood(
    scim: Scim, readers: dict[str, Any], operations: list[dict[str, Any]], wanted: set[str]
) -> None:
    subs = {one: sub_of(one) for one in ("owner", "member", "outsider")}

    def said(value: Any) -> Any:
        if isinstance(value, list):
            return [{"value": subs[one]} for one in value]
        if isinstance(value, dict):
            return {name: said(one) for name, one in value.items()}
        for name, sub in subs.items():
            value = value.replace(f'"{name}"', f'"{sub}"')
        return value

    answer = scim.patch(of(readers), *({name: said(one) for name, one in each.items()} for each in operations))
    assert answer.status_code == 204, answer.content
    assert members(scim, readers) == wanted


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ({"op": "add", "path": "members", "value": [{"value": "nobody"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": [{"display": "x"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": 3}, "invalidValue"),
        ({"op": "add", "path": 'members[value eq "x"]', "value": []}, "invalidPath"),
        ({"op": "remove", "path": "members.value"}, "invalidPath"),
        ({"op": "remove", "path": 'members[display eq "x"]'}, "invalidFilter"),
        ({"op": "remove", "path": 'members[not (value eq "x")]'}, "invalidFilter"),
        ({"op": "sort", "path": "members"}, "invalidValue"),
        ({"op": "remove", "path": "displayName"}, "mutability"),
        ({"op": "replace", "path": "displayName", "value": "x" * 101}, "invalidValue"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is(
    scim: Scim, readers: dict[str, Any], operation: dict[str, Any], kind: str
) -> None:
    answer = scim.patch(of(readers), {"op": "remove", "path": "members"}, operation)
    assert (answer.status_code, answer.json()["scimType"]) == (400, kind)
    assert members(scim, readers) == {"owner", "member"}


def test_a_group_is_called_something_else_and_replaced(scim: Scim, readers: dict[str, Any]) -> None:
    assert scim.patch(of(readers), {"op": "Replace", "value": {"displayName": "Library"}}).status_code == 204
    assert Group.objects.get().name == "Library"
    replaced = scim.ask("PUT", of(readers), {"displayName": "Library", "members": named("outsider")}).json()
    assert (replaced["id"], len(replaced["members"])) == (readers["id"], 1)
    assert "externalId" not in replaced
    assert scim.ask("PUT", of(readers), {"displayName": "Library"}).status_code == 200
    assert members(scim, readers) == set()
    shown = scim.ask(
        "PATCH", of(readers) + "?attributes=displayName", {"Operations": [{"op": "remove", "path": "members"}]}
    )
    assert shown.json().keys() == {"schemas", "id", "displayName"}


def test_s3_a_group_that_is_there_is_not_made_again(scim: Scim, by_hand: Group, readers: dict[str, Any]) -> None:
    for answer in (
        scim.ask("POST", "/Groups", {"displayName": "STAFF"}),
        scim.ask("POST", "/Groups", {"displayName": "readers"}),
        scim.patch(of(readers), {"op": "replace", "path": "displayName", "value": "staff"}),
    ):
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")


def test_each_source_takes_back_only_what_it_gave(scim: Scim, by_hand: Group) -> None:
    """A group that people made, and in which they put somebody."""
    assert (
        scim.patch(of(by_hand), {"op": "add", "path": "members", "value": named("owner", "outsider")}).status_code
        == 204
    )
    assert scim.patch(of(by_hand), {"op": "add", "path": "externalId", "value": "g-9"}).status_code == 204
    assert members(scim, by_hand) == {"owner", "outsider"}
    assert scim.patch(of(by_hand), {"op": "replace", "path": "displayName", "value": "Other"}).status_code == 403
    assert scim.patch(of(by_hand), {"op": "replace", "path": "displayName", "value": "Staff"}).status_code == 204
    assert scim.ask("DELETE", of(by_hand)).status_code == 204
    by_hand.refresh_from_db()
    assert (by_hand.name, by_hand.external_id) == ("Staff", "")
    assert [(one.user.username, one.source) for one in by_hand.members.all()] == [("outsider", "")]


def test_a_group_of_ones_own_is_deleted(scim: Scim, readers: dict[str, Any]) -> None:
    groups.add_members(Group.objects.get(), [User.objects.get(username="outsider")], "", HAND)
    assert members(scim, readers) == {"owner", "member"}, "whom somebody put there by hand is no matter of the client"
    assert scim.ask("DELETE", of(readers)).status_code == 204
    assert not Group.objects.exists()
    assert scim.get(of(readers)).status_code == scim.ask("DELETE", of(readers)).status_code == 404


def test_groups_and_people_of_another_client_are_not_there(scim: Scim, readers: dict[str, Any]) -> None:
    other = provisioner("elsewhere")
    theirs = other.make("Users", userName="theirs")
    assert other.get(of(readers)).status_code == 404
    assert other.ask("DELETE", of(readers)).status_code == 404
    assert other.get("/Groups").json()["totalResults"] == 0
    answer = scim.patch(of(readers), {"op": "add", "path": "members", "value": [{"value": theirs["id"]}]})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('displayName eq "READERS"', ["Readers"]),
        ('externalId eq "g-1"', ["Readers"]),
        ('members.value eq "{owner}"', ["Readers"]),
        ('members[value eq "{owner}"] and displayName sw "r"', ["Readers"]),
        ('not (members eq "{owner}")', ["Staff"]),
        ('members eq "{outsider}"', []),
        ('id eq "{group}"', ["Readers"]),
        ('id eq "nonsense"', []),
    ],
)
def test_s2_groups_are_found(
    scim: Scim, by_hand: Group, readers: dict[str, Any], expression: str, names: list[str]
) -> None:
    for name, value in {"owner": sub_of("owner"), "outsider": sub_of("outsider"), "group": readers["id"]}.items():
        expression = expression.replace(f"{{{name}}}", value)
    answer = scim.ask("POST", "/Groups/.search", {"filter": expression, "excludedAttributes": "members"}).json()
    assert [one["displayName"] for one in answer["Resources"]] == names
    assert not any("members" in one for one in answer["Resources"])


def test_a_page_of_large_groups_ends_early(
    scim: Scim, readers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scim.make("Groups", displayName="Second", members=named("owner", "member"))
    monkeypatch.setattr(scim_groups, "MOST_MEMBERS", 3)
    first = scim.get("/Groups").json()
    assert (first["totalResults"], first["itemsPerPage"]) == (2, 1)
    second = scim.get("/Groups?startIndex=2").json()
    assert {one["displayName"] for one in first["Resources"] + second["Resources"]} == {"Readers", "Second"}


def test_nobody_overwrites_a_group_they_have_not_seen(scim: Scim, readers: dict[str, Any]) -> None:
    tag = readers["meta"]["version"]
    assert scim.get(of(readers), If_None_Match=tag).status_code == 304
    assert scim.patch(of(readers), {"op": "remove", "path": "members"}, If_Match=tag).status_code == 204
    assert scim.ask("DELETE", of(readers), If_Match=tag).status_code == 412
