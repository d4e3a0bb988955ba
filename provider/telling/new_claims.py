"""`token-claims-change`: what the claims say now, as the project's table tells them (protocol section 31)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from accounts.models import GroupMember, User
from clients.models.telling import ToldKind
from common import clock
from projects.claim_table import GROUPS, MAX_VALUES, ROLES, ClaimRow, effective, of_stored
from projects.models import Project
from projects.roles import roles_of_each
from provider.telling.relations import allowed_by_each
from provider.telling.sets import Details
from provider.telling.table import Happened

SOURCES = {ToldKind.ROLES: ROLES, ToldKind.GROUPS: GROUPS}
Names = dict[str, tuple[str, ...]]


class NewClaims:
    """Of everybody whose roles or groups moved, in each of these projects: read for all of them together."""

    def __init__(self, said: Sequence[Happened], projects: Collection[Project]) -> None:
        moved = {source: {one.sub for one in said if one.kind == kind} for kind, source in SOURCES.items()}
        whose = projects if any(moved.values()) else ()
        self._tables = {one.pk: effective(of_stored(one.claims)) for one in whose}
        self._roles = {one.pk: _roles(one, moved[ROLES]) for one in whose}
        self._groups = _groups(moved[GROUPS]) if whose else {}
        self._allowed = allowed_by_each(moved[GROUPS], clock.now(), [one.pk for one in whose])

    def of(self, one: Happened, project: Project) -> Details | None:
        """What is added to the event. None: nothing that this project is told of this person is another one."""
        source = SOURCES.get(one.kind)
        if source is None:
            return {}
        held = (self._groups if source == GROUPS else self._roles[project.pk]).get(one.sub, ())
        claims = {row.name: row.names(held) for row in self._rows(source, one.sub, project)}
        fitting = {name: names for name, names in claims.items() if len(names) <= MAX_VALUES}
        return {"claims": fitting} if fitting else None

    def _rows(self, source: str, sub: str, project: Project) -> Iterator[ClaimRow]:
        """Roles are the project's own. Which groups somebody is in it learns where they allowed it."""
        for row in self._tables[project.pk]:
            if row.source == source and (source == ROLES or row.needs in self._allowed.get((project.pk, sub), ())):
                yield row


def _roles(project: Project, subs: Collection[str]) -> Names:
    users = dict(User.objects.filter(sub__in=subs).values_list("pk", "sub"))
    return {users[user]: names for user, names in roles_of_each(project.pk, users).items()} if users else {}


def _groups(subs: Collection[str]) -> Names:
    rows = GroupMember.objects.filter(user__sub__in=subs).values_list("user__sub", "group__name")
    return _each(rows.distinct()) if subs else {}


def _each(rows: Iterable[tuple[str, str]]) -> Names:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for sub, name in rows:
        found[sub].append(name)
    return {sub: tuple(names) for sub, names in found.items()}
