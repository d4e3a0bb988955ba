"""Roles of a project: who may make and grant them, what is refused, and what is on record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import groups
from accounts.models import Group, User
from clients.models import SecurityEvent
from projects import claim_table, claims, quotas, registration, roles
from projects.access import Roles
from projects.actors import Actor
from projects.metadata import RoleMetadata
from projects.models import Project, ProjectRole, RoleGrant
from projects.problems import RegistrationError

pytestmark = pytest.mark.usefixtures("world")

OPERATOR = Actor.operator("test")
STAFF = RoleMetadata(name="staff", description="Works here")


def acme() -> Project:
    return Project.objects.get(key="acme")


def user(username: str) -> User:
    return User.objects.get(username=username)


def group(name: str, *members: str) -> Group:
    made = groups.make(name, OPERATOR)
    groups.set_members(made, User.objects.filter(username__in=members), "", OPERATOR)
    return made


def refused(call: Any, *args: Any, **named: Any) -> list[tuple[str, str]]:
    with pytest.raises(RegistrationError) as caught:
        call(*args, **named)
    return [(one.field, one.message) for one in caught.value.problems]


def events(kind: str) -> list[dict[str, Any]]:
    rows = SecurityEvent.objects.filter(kind=kind).order_by("pk")
    return [{name: value for name, value in row.detail.items() if name not in ("by", "run_by")} for row in rows]


def test_a_role_is_of_people_and_of_groups() -> None:
    group("Choir", "member", "owner")
    role = roles.register(replace(STAFF, users=("outsider",), groups=("choir",)), acme(), OPERATOR)
    assert roles.metadata_of(role) == replace(STAFF, users=("outsider",), groups=("Choir",))
    assert [roles.roles_of(acme().pk, user(name).pk) for name in ("owner", "member", "outsider")] == [("staff",)] * 3


def long_names(number: int) -> list[str]:
    """Of as many letters as a name may have, and three times as many bytes."""
    return [f"{place:02}" + "\u8077" * 62 for place in range(number)]


@pytest.fixture
def roomy(world: None) -> Project:
    """Whoever has all of its roles is just told so."""
    project = acme()
    ProjectRole.objects.bulk_create(ProjectRole(project=project, name=one) for one in long_names(42))
    assert claims.role_problem(project, "x") == ""
    return project


def test_a_token_can_say_all_roles_of_a_project(roomy: Project) -> None:
    one_more = RoleMetadata(name="\u8077" * 60)
    [(field, said)] = refused(roles.register, one_more, roomy, OPERATOR)
    assert (field, "8192 at most" in said) == ("name", True)
    short = roles.register(RoleMetadata(name="x"), roomy, OPERATOR)
    assert refused(roles.change, short, one_more, OPERATOR) == [(field, said)]
    roomy.claims = claim_table.stored([claim_table.ClaimRow(name="roles", source="roles", only=("x", "admin"))])
    roomy.save()
    assert roles.register(one_more, roomy, OPERATOR).name == one_more.name, "no token says it"


def test_no_claim_of_a_table_is_longer_than_a_token_takes(roomy: Project) -> None:
    before = registration.metadata_of(roomy)
    longer = {name: name + "\u8077" * 3 for name in long_names(42)}
    row = claim_table.ClaimRow(name="roles", source="roles", rename=tuple(longer.items()))
    [(field, _said)] = refused(registration.change, roomy, replace(before, claims=(row,)), OPERATOR)
    assert field == "claims[0].source"
    row = replace(row, prefix="0")
    registration.change(roomy, replace(before, claims=(row,)), OPERATOR)
    assert registration.metadata_of(acme()).claims == (row,)


def test_a_role_that_somebody_has_twice_is_one_role() -> None:
    group("Choir", "member")
    roles.register(replace(STAFF, users=("member",), groups=("Choir",)), acme(), OPERATOR)
    assert roles.roles_of(acme().pk, user("member").pk) == ("staff",)
    assert roles.roles_of(Project.objects.get(key="other").pk, user("member").pk) == ()


def test_what_changes_is_an_event_and_what_stays_is_none() -> None:
    choir = group("Choir")
    role = roles.register(replace(STAFF, users=("member",)), acme(), OPERATOR)
    wanted = replace(STAFF, description="Sings", users=("member", "outsider"), groups=("Choir",))
    assert roles.change(role, wanted, OPERATOR) == ["description", "users", "groups"]
    assert roles.change(role, wanted, OPERATOR) == []
    about = {"project": "acme", "role": "staff"}
    assert events("role.created") == [about]
    assert events("role.changed") == [{**about, "description": {"before": "Works here", "after": "Sings"}}]
    assert events("role.granted") == [
        {**about, "member": user("member").sub},
        {**about, "member": user("outsider").sub},
        {**about, "group": str(choir.pk), "group_name": "Choir"},
    ]
    assert roles.revoke(role, OPERATOR, users=["member"], groups=["choir"]) == 2
    assert roles.revoke(role, OPERATOR, users=["member"]) == 0
    assert roles.grant(role, OPERATOR, users=["member"]) == roles.grant(role, OPERATOR, groups=["choir"]) == 1
    assert len(events("role.revoked")) == 2
    roles.delete(role, OPERATOR)
    assert events("role.deleted") == [about]
    assert not RoleGrant.objects.exists()


@pytest.mark.parametrize(
    ("role", "allowed"), [("owner", True), ("editor", True), ("viewer", False), ("", False)], ids=str
)
def test_editors_grant_roles_of_their_own_project_and_of_no_other(role: str, allowed: bool) -> None:
    by = Actor(Roles(is_superuser=False, by_project={acme().pk: role} if role else {}), sub="somebody")
    made = roles.register(STAFF, Project.objects.get(key="other"), OPERATOR)
    not_theirs = [("project", "You may not change the roles of this project.")]
    assert refused(roles.register, STAFF, made.project, by) == not_theirs
    assert refused(roles.change, made, replace(STAFF, users=("member",)), by) == not_theirs
    assert refused(roles.grant, made, by, users=["member"])[0] == not_theirs[0]
    assert refused(roles.revoke, made, by, users=["member"])[0] == not_theirs[0]
    assert refused(roles.delete, made, by) == not_theirs
    if not allowed:
        assert refused(roles.register, STAFF, acme(), by) == not_theirs
        return
    own = roles.register(replace(STAFF, users=("member",)), acme(), by)
    assert SecurityEvent.objects.filter(kind="role.granted", sub="somebody").count() == 1
    roles.delete(own, by)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "A value is needed"),
        ("   ", "A value is needed"),
        ("a" * 65, "too long"),
        ("a\nb", "no line breaks"),
        ("a\0", "cannot be stored"),
        ("a/b", "no slash"),
        ("a\u202eb", "no line breaks"),
        (" staff", "no spaces around"),
        ("\uff53taff", "usual form"),
    ],
)
def test_a_bad_name_is_refused(name: str, words: str) -> None:
    [(field, message)] = refused(roles.register, RoleMetadata(name=name), acme(), OPERATOR)
    assert field == "name"
    assert words in message


def test_two_roles_never_differ_in_capitals_alone() -> None:
    role = roles.register(STAFF, acme(), OPERATOR)
    other = roles.register(RoleMetadata(name="guest"), acme(), OPERATOR)
    said = [("name", "This project has a role of this name already.")]
    assert refused(roles.register, RoleMetadata(name="Staff"), acme(), OPERATOR) == said
    assert refused(roles.change, other, RoleMetadata(name="STAFF"), OPERATOR) == said
    roles.change(role, replace(STAFF, name="Staff"), OPERATOR)
    assert roles.register(STAFF, Project.objects.get(key="other"), OPERATOR).pk, "another project has its own"
    with pytest.raises(IntegrityError), transaction.atomic():
        ProjectRole.objects.create(project=acme(), name="STAFF")


@pytest.mark.parametrize("name", ["nobody", "\0", "\ud800", "x" * 1000, "Owner"])
def test_a_name_that_nobody_has_is_said_where_it_stands(name: str) -> None:
    assert [
        field for field, _message in refused(roles.register, replace(STAFF, users=("owner", name)), acme(), OPERATOR)
    ] == ["users[1]"]
    assert [field for field, _message in refused(roles.register, replace(STAFF, groups=(name,)), acme(), OPERATOR)] == [
        "groups[0]"
    ]
    assert not ProjectRole.objects.exists(), "all of it or nothing"


def test_a_project_has_so_many_roles_and_a_role_so_many_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "ROLES", 1)
    monkeypatch.setattr(quotas, "ROLE_HOLDERS", 1)
    role = roles.register(replace(STAFF, users=("member",)), acme(), OPERATOR)
    assert refused(roles.register, RoleMetadata(name="other"), acme(), OPERATOR)[0][0] == "project"
    assert refused(roles.change, role, replace(STAFF, users=("member", "owner")), OPERATOR)[0][0] == "users[1]"
    assert refused(roles.grant, role, OPERATOR, users=["owner"])[0][0] == "users"


@pytest.mark.parametrize("both", [True, False])
def test_the_database_keeps_no_grant_to_nobody_and_none_to_two(both: bool) -> None:
    role = roles.register(STAFF, acme(), OPERATOR)
    whom = {"user": user("member"), "group": group("Choir")} if both else {}
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.create(role=role, **whom)


def test_whoever_goes_takes_their_grants_along() -> None:
    choir = group("Choir", "member")
    roles.register(replace(STAFF, users=("outsider",), groups=("Choir",)), acme(), OPERATOR)
    groups.delete(choir, OPERATOR)
    user("outsider").delete()
    assert not RoleGrant.objects.exists()


def test_roles_of_several_are_read_together(django_assert_num_queries: Any) -> None:
    for name in ("one", "two", "three"):
        roles.register(RoleMetadata(name=name, users=("member",)), acme(), OPERATOR)
    project = acme()
    with django_assert_num_queries(3):
        assert [one.users for one in roles.metadata_of_all(list(project.roles.all()))] == [("member",)] * 3


def test_code_past_the_registration_is_noticed() -> None:
    role = ProjectRole.objects.create(project=acme(), name="staff")
    RoleGrant.objects.create(role=role, user=user("member"))
    assert [one["role"] for one in events("projectrole.created") + events("rolegrant.created")] == ["staff", "staff"]
