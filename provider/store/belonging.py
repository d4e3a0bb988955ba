"""The groups and roles of a person, read by the statement that reads the person: expressions over `accounts_user u`.

An installation where nobody tells of them, or asks for them, does not read them. Which it is, is remembered with the
facts (`common.cache`), so that no statement asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from clients.models import Client
from common import cache
from projects.claim_table import ATTRIBUTE
from projects.models import Project
from projects.scopes import BY_TABLE
from provider.protocol.facts import Json

_GROUPS = """SELECT DISTINCT g.name FROM accounts_groupmember m JOIN accounts_group g ON g.id = m.group_id
    WHERE m.user_id = u.id"""
# Two halves: each finds its rows by an index, which an OR would not.
_ROLES = """SELECT r.project_id, r.name FROM projects_rolegrant t JOIN projects_projectrole r ON r.id = t.role_id
    WHERE t.user_id = u.id
    UNION SELECT r.project_id, r.name FROM accounts_groupmember m JOIN projects_rolegrant t ON t.group_id = m.group_id
    JOIN projects_projectrole r ON r.id = t.role_id WHERE m.user_id = u.id"""
_EXPRESSIONS = {
    "postgresql": (
        f"(SELECT coalesce(json_agg(x.name), '[]'::json) FROM ({_GROUPS}) x)",  # noqa: S608 - constants
        f"(SELECT coalesce(json_agg(json_build_array(x.project_id, x.name)), '[]'::json) FROM ({_ROLES}) x)",  # noqa: S608
    ),
    "sqlite": (
        f"(SELECT json_group_array(x.name) FROM ({_GROUPS}) x)",  # noqa: S608 - constants
        f"(SELECT json_group_array(json_array(x.project_id, x.name)) FROM ({_ROLES}) x)",  # noqa: S608 - constants
    ),
}


def columns(vendor: str) -> tuple[str, ...]:
    """Groups and roles, each as JSON; empty where nobody is told of them."""
    return _EXPRESSIONS[vendor] if cache.once(are_needed) else ()


def are_needed() -> bool:
    """Some client asks for them, or some project's table makes another claim of them."""
    asks = Q(scope__contains="groups") | Q(scope__contains="roles")
    words = (word for scope in Client.objects.filter(asks).values_list("scope", flat=True) for word in scope.split())
    if any(word in BY_TABLE for word in words):
        return True
    tables = Project.objects.exclude(claims=[]).values_list("claims", flat=True)
    return any(row["source"] != ATTRIBUTE for table in tables for row in table)


def of(found: Sequence[Json]) -> tuple[tuple[str, ...], dict[int, tuple[str, ...]]]:
    """The groups of a person, and the roles by project, of what `columns` found."""
    if not found:
        return (), {}
    groups, roles = found
    return _groups(groups), _roles(roles)


def _groups(found: Json) -> tuple[str, ...]:
    return tuple(sorted(map(str, found))) if isinstance(found, list) else ()


def _roles(found: Json) -> dict[int, tuple[str, ...]]:
    """By project."""
    roles: dict[int, list[str]] = {}
    for project, name in found if isinstance(found, list) else ():
        roles.setdefault(project, []).append(name)
    return {project: tuple(sorted(names)) for project, names in roles.items()}
