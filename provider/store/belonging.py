"""The groups and roles of a person, read by the statement that reads the person: expressions over `accounts_user u`.

An installation where nobody tells of them, or asks for them, does not read them. Which it is, is remembered with the
facts (`common.cache`), so that no statement asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from clients.models import Client
from common import cache
from projects.choices import SignIn
from projects.claim_table import ATTRIBUTE
from projects.models import Project
from projects.scopes import BY_TABLE
from projects.sign_in import Belongs, group_id, role_id
from provider.protocol.facts import Json

_GROUPS = """SELECT DISTINCT g.id, g.name FROM accounts_groupmember m JOIN accounts_group g ON g.id = m.group_id
    WHERE m.user_id = u.id"""
# Two halves: each finds its rows by an index, which an OR would not.
_ROLES = """SELECT r.project_id, r.id, r.name FROM projects_rolegrant t JOIN projects_projectrole r ON r.id = t.role_id
    WHERE t.user_id = u.id
    UNION SELECT r.project_id, r.id, r.name FROM accounts_groupmember m
    JOIN projects_rolegrant t ON t.group_id = m.group_id JOIN projects_projectrole r ON r.id = t.role_id
    WHERE m.user_id = u.id"""
_EXPRESSIONS = {
    "postgresql": (
        f"(SELECT coalesce(json_agg(json_build_array(x.id, x.name)), '[]'::json) FROM ({_GROUPS}) x)",  # noqa: S608 - constants
        f"(SELECT coalesce(json_agg(json_build_array(x.project_id, x.id, x.name)), '[]'::json) FROM ({_ROLES}) x)",  # noqa: S608
    ),
    "sqlite": (
        f"(SELECT json_group_array(json_array(x.id, x.name)) FROM ({_GROUPS}) x)",  # noqa: S608 - constants
        f"(SELECT json_group_array(json_array(x.project_id, x.id, x.name)) FROM ({_ROLES}) x)",  # noqa: S608 - constants
    ),
}


def columns(vendor: str) -> tuple[str, ...]:
    """Groups and roles, each as JSON; empty where nobody is told of them."""
    return _EXPRESSIONS[vendor] if cache.once(are_needed) else ()


def are_needed() -> bool:
    """Some client asks for them, some project's table makes another claim of them, or somebody lets in by them."""
    told = Q(scope__contains="groups") | Q(scope__contains="roles") | ~Q(sign_in=SignIn.ANYONE)
    for scope, sign_in in Client.objects.order_by().filter(told).values_list("scope", "sign_in"):
        if sign_in != SignIn.ANYONE or {*BY_TABLE}.intersection(scope.split()):
            return True
    tables = ~Q(claims=[]) | ~Q(sign_in=SignIn.ANYONE)
    for claims, sign_in in Project.objects.order_by().filter(tables).values_list("claims", "sign_in"):
        if sign_in != SignIn.ANYONE or any(row["source"] != ATTRIBUTE for row in claims):
            return True
    return False


def of(found: Sequence[Json]) -> tuple[tuple[str, ...], dict[int, tuple[str, ...]], Belongs | None]:
    """The groups of a person, the roles by project, and both by ids, of what `columns` found."""
    if not found:
        return (), {}, None
    groups, roles = found
    by_group = {group_id(key): str(name) for key, name in groups} if isinstance(groups, list) else {}
    by_role = {role_id(key): (project, str(name)) for project, key, name in roles} if isinstance(roles, list) else {}
    by_project: dict[int, list[str]] = {}
    for project, name in by_role.values():
        by_project.setdefault(project, []).append(name)
    names = {project: tuple(sorted(several)) for project, several in by_project.items()}
    return tuple(sorted(by_group.values())), names, Belongs(frozenset(by_group), frozenset(by_role))
