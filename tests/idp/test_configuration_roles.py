"""Roles, who has them, and claim tables in the configuration file: applied, exported without a difference, pruned."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import groups
from idp.configuration import apply
from idp.configuration.export import What, export
from idp.configuration.problems import ConfigurationError
from idp.configuration.prune import Prune
from projects import registration, roles
from projects.actors import Actor
from projects.claim_table import ClaimRow
from projects.models import Project, ProjectRole

pytestmark = pytest.mark.usefixtures("world")
OPERATOR = Actor.operator("test")
ROLES: list[dict[str, Any]] = [
    {"name": "admin", "description": "Decides", "users": ["owner"], "groups": ["choir"]},
    {"name": "reader"},
]
CLAIMS: dict[str, Any] = {
    "groups": {"source": "groups", "prefix": "acme-", "rename": {"acme-admins": "admin"}},
    "https://acme.example/claims/nick": {"source": "attribute", "attribute": "nickname", "told_in": ["userinfo"]},
}


@pytest.fixture(autouse=True)
def _choir(world: None) -> None:
    groups.make("Choir", OPERATOR)


def file(**said: Any) -> dict[str, Any]:
    return {"version": 1, "projects": [{"id": "acme", **said}]}


def changes(*args: Any, **named: Any) -> list[str]:
    return [str(one) for one in apply(*args, **named).drift]


def held(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = roles.metadata_of(ProjectRole.objects.get(name=name))
    return found.users, found.groups


def test_roles_and_the_table_are_made_and_then_nothing_is_left_to_do() -> None:
    said = file(roles=ROLES, claims=CLAIMS)
    assert changes(said) == ["updated project acme: claims", "created role acme/admin", "created role acme/reader"]
    assert changes(said) == []
    assert held("admin") == (("owner",), ("Choir",))
    row, nick = registration.metadata_of(Project.objects.get(key="acme")).claims
    assert row == ClaimRow(name="groups", source="groups", prefix="acme-", rename=(("acme-admins", "admin"),))
    assert (nick.attribute, nick.told_in) == ("nickname", ("userinfo",))


def test_what_is_exported_changes_nothing_when_it_is_applied() -> None:
    apply(file(roles=ROLES, claims=CLAIMS))
    document = export(What()).document
    assert changes(document) == []
    without = export(What(people=False)).document
    [acme] = [one for one in without["projects"] if one["id"] == "acme"]  # type: ignore[union-attr,index,call-overload]
    assert acme["roles"] == [{"name": "admin", "description": "Decides"}, {"name": "reader", "description": ""}]  # type: ignore[index,call-overload]
    assert changes(without) == []


def test_a_list_that_is_not_said_stays_and_one_that_is_said_is_all() -> None:
    apply(file(roles=ROLES))
    assert changes(file(roles=[{"name": "ADMIN"}])) == ["updated role acme/ADMIN: name"]
    assert held("ADMIN") == (("owner",), ("Choir",))
    assert changes(file(roles=[{"name": "ADMIN", "users": ["member"]}])) == ["updated role acme/ADMIN: users"]
    assert held("ADMIN") == (("member",), ("Choir",))
    assert changes(file(claims=CLAIMS)) == ["updated project acme: claims"]
    assert changes(file(name="Acme")) == []
    assert changes(file(claims={})) == ["updated project acme: claims"]


def test_what_is_not_listed_is_deleted_only_when_that_is_asked_for() -> None:
    apply(file(roles=ROLES))
    assert changes(file(roles=ROLES[1:])) == []
    assert changes(file(roles=ROLES[1:]), prune=Prune.LISTED) == ["deleted role acme/admin with 2 grants"]
    assert changes(file(name="Acme"), prune=Prune.LISTED) == []


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("said", "place", "words"),
    [
        ({"roles": [{"name": "a/b"}]}, "projects[0].roles[0].name", "no slash"),
        ({"roles": [{"name": "a", "users": ["nobody"]}]}, "projects[0].roles[0].users[0]", "There is no user 'nobody'"),
        ({"roles": [{"name": "a", "groups": ["x"]}]}, "projects[0].roles[0].groups[0]", "There is no group 'x'"),
        ({"roles": [{"name": "a"}, {"name": "A"}]}, "projects[0].roles[1].name", "twice"),
        ({"roles": [{}]}, "projects[0].roles[0].name", "missing"),
        ({"claims": {"sub": {"source": "roles"}}}, "projects[0].claims.sub", "already"),
        ({"claims": {"a": {"source": "x"}}}, "projects[0].claims.a.source", "not known here"),
        ({"claims": {"a": {"source": "roles", "told_in": []}}}, "projects[0].claims.a.told_in", "Say where it is told"),
        ({"claims": []}, "projects[0].claims", "mapping"),
    ],
)
def test_a_mistake_is_said_where_it_stands(said: dict[str, Any], place: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        apply(file(**said))
    [problem] = caught.value.problems
    assert words in problem.message
    assert problem.place.path == place


def test_a_role_with_letters_that_no_database_makes_small_alike_is_not_pruned() -> None:
    said = file(roles=[{"name": "Ärzte"}])
    assert changes(said) == ["created role acme/Ärzte"]
    assert changes(said, prune=Prune.LISTED) == []
