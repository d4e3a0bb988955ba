"""`--prune` of attributes and groups: what the file's lists do not name goes, and nothing that is not the file's."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import groups
from accounts.models import Attribute, Group, User
from idp.configuration import ConfigurationError, Prune, Report, apply
from projects.actors import Actor

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
FILE: dict[str, Any] = {
    "version": 1,
    "attributes": [{"name": "team", "type": "text"}, {"name": "desk", "type": "text"}],
    "groups": [{"name": "Staff"}, {"name": "Guests"}],
    "users": [{"username": "ann", "groups": ["guests"]}],
    "projects": [{"id": "acme", "name": "Acme", "roles": [{"name": "reviewer", "groups": ["guests"]}]}],
}


@pytest.fixture(autouse=True)
def _all_of_it_is_there() -> None:
    apply(FILE)


def without(*names: str) -> dict[str, Any]:
    """The file, without the second of these lists."""
    people = [{"username": "ann"}]
    acme = [{"id": "acme", "name": "Acme"}]
    return {**FILE, "users": people, "projects": acme, **{name: FILE[name][:1] for name in names}}


def pruned(file: dict[str, Any], **said: Any) -> Report:
    return apply(file, prune=Prune.LISTED, **said)


def test_what_the_lists_do_not_name_goes_and_is_told_with_its_numbers() -> None:
    assert not apply(without("attributes", "groups")).changed, "nothing is deleted where it is not said"
    looked = pruned(without("attributes", "groups"), dry_run=True, prune_values=True)
    assert [change.intended for change in looked.drift] == [
        "would delete group Guests with 1 person, 1 role",
        "would delete attribute desk",
    ]
    assert (Group.objects.count(), Attribute.objects.count()) == (2, 2)
    assert pruned(without("attributes", "groups"), prune_values=True).changed
    assert (Group.objects.get().name, Attribute.objects.get().name) == ("Staff", "team")
    assert not pruned(without("attributes", "groups")).changed


def test_a_file_without_the_list_says_nothing_of_them() -> None:
    assert not pruned({name: FILE[name] for name in ("version", "users", "projects")}).changed


def test_what_something_else_made_stays() -> None:
    for name, said in {"Of a program": {"source": "scim:hr"}, "Known elsewhere": {"external_id": "7"}}.items():
        made = groups.make(name, Actor.operator("a test"))
        Group.objects.filter(pk=made.pk).update(**said)
    assert not pruned(FILE).changed


def test_a_group_with_people_or_roles_goes_only_where_that_is_said() -> None:
    file = {**without("groups"), "groups": []}
    by_hand, actor = groups.make("By hand", Actor.operator("a test")), Actor.operator("a test")
    with pytest.raises(ConfigurationError) as refused:
        pruned(file)
    said = "Guests cannot be deleted: it has 1 person and 1 role. --prune-values deletes it with these."
    assert [one.message for one in refused.value.problems] == [said]
    assert Group.objects.count() == 3, "nothing is applied"
    groups.set_members(by_hand, [User.objects.get(username="ann")], "a-connector", actor)
    assert pruned(file, prune_values=True).changed
    assert [one.name for one in Group.objects.all()] == ["By hand"], "a source would put people into it again"


def test_values_of_people_go_only_where_that_is_said() -> None:
    User.objects.filter(username="ann").update(attributes={"desk": "12"})
    with pytest.raises(ConfigurationError, match="desk cannot be deleted: 1 person has a value of it"):
        pruned(without("attributes"))
    assert User.objects.get(username="ann").attributes == {"desk": "12"}
    report = pruned(without("attributes"), prune_values=True)
    assert [str(change) for change in report.drift] == ["deleted attribute desk with 1 person"]
    assert User.objects.get(username="ann").attributes == {}
