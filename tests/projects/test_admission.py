"""Registering whom a project and a client let in (protocol section 32)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from accounts import groups
from accounts.models import Group, User
from clients import registration as clients
from clients.models import Client
from clients.stored import metadata_of_all
from projects import admission, registration, roles
from projects.actors import Actor
from projects.apis import admits, project_facts
from projects.metadata import RoleMetadata
from projects.models import Project, ProjectRole
from projects.problems import RegistrationError
from projects.sign_in import LetIn

pytestmark = pytest.mark.usefixtures("world")

OPERATOR = Actor.operator("test")


def acme() -> Project:
    return Project.objects.get(key="acme")


def restrict(who: str, *names: str) -> None:
    project = acme()
    wanted = replace(registration.metadata_of(project), sign_in=LetIn(who, names))
    registration.change(project, wanted, OPERATOR)


def restrict_client(who: str, *names: str, client_id: str = "web") -> list[str]:
    client = Client.objects.get(client_id=client_id)
    [before] = metadata_of_all([client])
    return clients.change(client, replace(before, sign_in=LetIn(who, names)), OPERATOR)


def let_in(username: str) -> bool:
    return admits(project_facts(acme()), User.objects.get(username=username).pk)


def staff(*usernames: str) -> Group:
    group = groups.named("Staff") or groups.make("Staff", OPERATOR)
    groups.set_members(group, User.objects.filter(username__in=usernames), "", OPERATOR)
    return group


def editor(*, users: tuple[str, ...] = (), of: tuple[str, ...] = ()) -> ProjectRole:
    return roles.register(RoleMetadata(name="editor", users=users, groups=of), acme(), OPERATOR)


def test_a_group_lets_its_people_in_whatever_capitals_name_it() -> None:
    staff("owner")
    restrict("groups", "staff")
    assert (let_in("owner"), let_in("member")) == (True, False)
    assert registration.metadata_of(acme()).sign_in == LetIn("groups", ("Staff",))


def test_a_role_lets_in_who_has_it_and_who_has_it_by_a_group() -> None:
    staff("member")
    editor(users=("owner",), of=("Staff",))
    restrict("roles", "editor")
    assert [let_in(name) for name in ("owner", "member", "outsider")] == [True, True, False]


def test_a_role_of_another_project_lets_nobody_in() -> None:
    other = Project.objects.get(key="other")
    roles.register(RoleMetadata(name="spy", users=("owner",)), other, OPERATOR)
    with pytest.raises(RegistrationError) as refused:
        restrict("roles", "spy")
    assert [one.field for one in refused.value.problems] == ["sign_in.roles[0]"]


def test_a_group_that_gets_another_name_is_the_same() -> None:
    groups.change(staff("owner"), OPERATOR, name="Crew")
    restrict("groups", "Crew")
    groups.change(Group.objects.get(), OPERATOR, name="Everybody here")
    assert (let_in("owner"), let_in("member")) == (True, False)
    assert registration.metadata_of(acme()).sign_in.names == ("Everybody here",)


DELETIONS: dict[str, tuple[str, str, Callable[[], object], Callable[[], object]]] = {
    "group": ("groups", "Staff", lambda: groups.delete(Group.objects.get(), OPERATOR), lambda: staff("owner")),
    "role": (
        "roles",
        "editor",
        lambda: roles.delete(ProjectRole.objects.get(), OPERATOR),
        lambda: editor(users=("owner",)),
    ),
}


@pytest.mark.parametrize("what", DELETIONS)
def test_what_a_rule_names_is_deleted_and_the_rule_stays_closed(what: str) -> None:
    who, name, delete, make_again = DELETIONS[what]
    staff("owner")
    editor(users=("owner",))
    restrict(who, name)
    assert let_in("owner")
    delete()
    assert not let_in("owner")
    assert registration.metadata_of(acme()).sign_in == LetIn(who), "and whoever looks sees that nobody is let in"
    make_again()
    assert not let_in("owner"), "another of the same name is not the same"


WRONG = {
    "a group that there is not": ("groups", ("nobody",), ["sign_in.groups[0]"]),
    "a role that there is not": ("roles", ("editor",), ["sign_in.roles[0]"]),
    "names for everybody": ("anyone", ("Staff",), ["sign_in"]),
    "another kind": ("friends", (), ["sign_in"]),
    "too many": ("groups", tuple(f"g{number}" for number in range(201)), ["sign_in.groups"]),
    "no name": ("groups", ("",), ["sign_in.groups[0]"]),
    "what no database keeps": ("groups", ("a\0b", "\ud800"), ["sign_in.groups[0]", "sign_in.groups[1]"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_a_rule_is_refused_with_its_place(case: str) -> None:
    who, names, fields = WRONG[case]
    for door in (restrict, restrict_client):
        with pytest.raises(RegistrationError) as refused:
            door(who, *names)
        assert [one.field for one in refused.value.problems] == fields


def test_only_owners_say_whom_a_project_lets_in_and_editors_whom_a_client() -> None:
    staff("owner")
    member = Actor.person(User.objects.get(username="member"))
    with pytest.raises(RegistrationError):
        registration.change(
            acme(), replace(registration.metadata_of(acme()), sign_in=LetIn("groups", ("Staff",))), member
        )
    client = Client.objects.get(client_id="web")
    [before] = metadata_of_all([client])
    assert clients.change(client, replace(before, sign_in=LetIn("groups", ("Staff",))), member) == ["sign_in"]


def test_said_again_in_other_capitals_nothing_changes() -> None:
    staff("owner")
    assert restrict_client("groups", "Staff") == ["sign_in"]
    assert restrict_client("groups", "STAFF") == []


def test_many_are_read_with_as_many_statements_as_one(django_assert_num_queries: Callable[[int], object]) -> None:
    staff("owner")
    editor(users=("owner",))
    restrict_client("groups", "Staff")
    restrict_client("roles", "editor", client_id="sibling")
    rows = list(Client.objects.order_by("client_id"))
    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        found = admission.let_in_all(rows)
    assert {one for one in found if one != LetIn()} == {LetIn("groups", ("Staff",)), LetIn("roles", ("editor",))}
