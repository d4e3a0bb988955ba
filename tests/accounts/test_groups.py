"""Groups: who belongs to them and why, and what is left of it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts import groups
from accounts.events import Whoever
from accounts.models import AccountEvent, Group, GroupMember, User

pytestmark = pytest.mark.django_db
BY = Whoever(sub="somebody", through="some-app")


@pytest.fixture(autouse=True)
def _people(world: None) -> None:
    """Those of the world."""


def user(name: str) -> User:
    return User.objects.get(username=name)


def told(kind: str = "groups.changed") -> list[tuple[str, dict[str, object]]]:
    return list(AccountEvent.objects.filter(kind=kind).order_by("pk").values_list("sub", "detail"))


def test_a_group_has_a_name_that_no_other_has_in_any_capitals() -> None:
    groups.make(" Back  office ", BY)
    assert groups.named("BACK OFFICE") == Group.objects.get(name="Back office")
    assert groups.name_problem("back office") == "Another group has this name."
    assert groups.name_problem("Back Office", but=groups.named("back office")) == ""
    with pytest.raises(IntegrityError), transaction.atomic():
        Group.objects.create(name="back office")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\0b", "\ud800", "a\u202eb"])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert groups.name_problem(name)


def test_each_source_takes_back_only_what_it_said() -> None:
    staff, owner, member = groups.make("staff", BY), user("owner"), user("member")
    groups.set_members(staff, [owner, member], "", BY)
    groups.set_members(staff, [owner], "ldap", BY)
    assert groups.group_names(owner.pk) == ("staff",)
    moved = groups.set_members(staff, [], "ldap", BY)
    assert (moved.added, moved.removed) == (frozenset(), frozenset({owner.pk}))
    assert groups.group_names(owner.pk) == ("staff",), "by hand they still belong"
    groups.set_members(staff, [member], "", BY)
    assert (groups.group_names(owner.pk), groups.group_names(member.pk)) == ((), ("staff",))
    key = str(staff.pk)
    assert [(sub, "added" in detail) for sub, detail in told()] == [
        *((one.sub, True) for one in sorted((owner, member), key=lambda one: one.pk)),
        (owner.sub, False),
    ]
    assert told()[0][1] == {"added": [key], "by": "somebody", "through": "some-app"}


def test_members_come_and_go_one_by_one() -> None:
    staff, owner, member = groups.make("staff", BY), user("owner"), user("member")
    assert groups.add_members(staff, [owner, member], "scim", BY).added == {owner.pk, member.pk}
    assert groups.add_members(staff, [owner], "scim", BY).added == frozenset()
    assert groups.remove_members(staff, [owner, user("outsider")], "scim", BY).removed == {owner.pk}
    assert groups.remove_members(staff, [member], "", BY).removed == frozenset()
    assert groups.group_names(member.pk) == ("staff",)


def test_somebody_gets_the_groups_they_are_said_to_have() -> None:
    owner = user("owner")
    staff, admins = groups.make("Staff", BY), groups.make("Admins", BY)
    groups.set_members(admins, [owner], "", BY)
    moved = groups.set_groups_of(owner, ["staff", "nobody", "\ud800", "a\0b", "x" * 9999], "oidc", BY)
    assert ({*moved.added}, {*moved.removed}) == ({staff.pk}, set())
    assert moved.unknown == ("nobody", "\ud800", "a\0b", "x" * 9999)
    assert groups.group_names(owner.pk) == ("Admins", "Staff")
    assert groups.set_groups_of(owner, ["STAFF"], "oidc", BY).added == frozenset()
    assert groups.set_groups_of(owner, [], "oidc", BY).removed == {staff.pk}
    assert groups.group_names(owner.pk) == ("Admins",)
    assert [detail for _sub, detail in told()][1:] == [
        {"added": [str(staff.pk)], "source": "oidc", "by": "somebody", "through": "some-app"},
        {"removed": [str(staff.pk)], "source": "oidc", "by": "somebody", "through": "some-app"},
    ]


def test_a_group_that_is_called_otherwise_is_the_same_group() -> None:
    staff = groups.make("staff", BY)
    groups.set_members(staff, [user("owner")], "", BY)
    assert groups.change(staff, BY, name="Crew", description="") == ["name"]
    assert groups.group_names(user("owner").pk) == ("Crew",)
    assert told("group.changed") == [
        ("", {"group": str(staff.pk), "name": "Crew", "changed": ["name"], "by": "somebody", "through": "some-app"})
    ]


def test_of_a_group_that_is_deleted_nothing_is_left_and_its_people_read_of_it() -> None:
    staff, owner = groups.make("staff", BY), user("owner")
    groups.set_members(staff, [owner], "", BY)
    groups.set_members(staff, [owner], "ldap", BY)
    key = str(staff.pk)
    assert groups.delete(staff, BY) == 1
    assert not Group.objects.exists()
    assert not GroupMember.objects.exists()
    assert [(sub, detail["removed"]) for sub, detail in told()[1:]] == [(owner.sub, [key])]


def test_of_somebody_who_is_deleted_nothing_is_left_in_groups() -> None:
    staff = groups.make("staff", BY)
    groups.set_members(staff, [user("owner"), user("member")], "", BY)
    user("outsider").delete()
    user("member").delete()
    assert [*GroupMember.objects.values_list("user__username", flat=True)] == ["owner"]
