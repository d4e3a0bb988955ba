"""Which events are told, as what, and about whom: one row each. No other place decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from clients.models import Authorization, Client, Occurrence
from clients.models.telling import ToldKind
from projects.claim_table import GROUPS
from projects.models import Project, ProjectRole, RoleGrant
from provider.event_feed import Event
from provider.telling.sets import Details

EVERYWHERE: frozenset[int] | None = None  # every project that knows the person
BY_ADMINISTRATOR = {"by": "administrator"}  # and not by the person


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to a person, and the projects it concerns: rows' numbers, or EVERYWHERE."""

    at: datetime
    kind: ToldKind
    sub: str
    projects: frozenset[int] | None = EVERYWHERE
    data: Details = field(default_factory=dict)
    only_known: bool = False  # of these projects those that know the person


Read = Callable[[Event], Iterable[Happened]]


def _of_account(kind: ToldKind, **data: str) -> Read:
    """Of the log of accounts: it is about whose account it is."""
    return lambda event: [Happened(event.at, kind, event.sub, data=dict(data))]


def _taken_back(event: Event) -> Iterator[Happened]:
    """A person took something back from a project, and it ended authorizations."""
    part_of_it = event.detail.get("scopes") or event.detail.get("audiences")
    if event.detail.get("authorizations") or not part_of_it:
        yield Happened(event.at, ToldKind.ACCESS, event.sub, _project_of(event), {"reason": "taken_back"})


def _ended(event: Event) -> Iterator[Happened]:
    """Somebody who manages the project ended one authorization."""
    projects = Client.objects.filter(client_id=event.client_id, project__isnull=False).values_list("project", flat=True)
    data: Details = {"reason": "ended_by_administrator", "client_id": event.client_id}
    yield Happened(event.at, ToldKind.ACCESS, str(event.detail.get("person", "")), frozenset(projects), data)


def _reused(event: Event) -> Iterator[Happened]:
    """A code or refresh token came twice, and its authorization is over."""
    row = Authorization.objects.filter(pk=str(event.detail["authorization"]), client__project__isnull=False)
    for sub, project, client_id in row.values_list("user__sub", "client__project", "client__client_id"):
        data: Details = {"reason": "token_used_twice", "client_id": client_id}
        yield Happened(event.at, ToldKind.ACCESS, sub, frozenset(filter(None, [project])), data)


def _role_moved(event: Event) -> Iterator[Happened]:
    """Somebody was given a role of a project or lost it, alone or with everybody in a group."""
    subs = [str(event.detail.get("member", ""))]
    if group := event.detail.get("group"):
        subs = [
            *User.objects.filter(group_members__group=UUID(str(group))).order_by("pk").values_list("sub", flat=True)
        ]
    project = _project_of(event)
    for sub in dict.fromkeys(subs):
        yield Happened(event.at, ToldKind.ROLES, sub, project, only_known=True)


def _role_renamed(event: Event) -> Iterator[Happened]:
    """Whoever has it is called otherwise now. A new description is nobody's role."""
    name = event.detail.get("name")
    if not isinstance(name, dict):
        return
    project = _project_of(event)
    role = ProjectRole.objects.filter(project__in=project, name__iexact=str(name.get("after", "")))
    has = Q(role_grants__role__in=role) | Q(group_members__group__role_grants__role__in=role)
    for sub in User.objects.filter(has).order_by("pk").values_list("sub", flat=True).distinct():
        yield Happened(event.at, ToldKind.ROLES, sub, project, only_known=True)


def _group_renamed(event: Event) -> Iterator[Happened]:
    """The same of a group, for projects whose apps are told of groups."""
    changed = event.detail.get("changed")
    if not isinstance(changed, list) or "name" not in changed:
        return
    told = _told_of_groups()
    members = User.objects.filter(group_members__group=UUID(str(event.detail["group"])))
    for sub in members.order_by("pk").values_list("sub", flat=True).distinct():
        yield Happened(event.at, ToldKind.GROUPS, sub, told, only_known=True)


def _groups_moved(event: Event) -> Iterator[Happened]:
    """Of projects whose apps are told of groups; and where a group has a role, the roles moved as well."""
    listed = (event.detail.get(name) for name in ("added", "removed"))
    keys = [UUID(str(key)) for keys in listed if isinstance(keys, list) for key in keys]
    yield Happened(event.at, ToldKind.GROUPS, event.sub, _told_of_groups(), only_known=True)
    by_role = RoleGrant.objects.filter(group__in=keys).values_list("role__project", flat=True)
    yield Happened(event.at, ToldKind.ROLES, event.sub, frozenset(by_role), only_known=True)


def _told_of_groups() -> frozenset[int]:
    """Projects whose apps may be told of groups, by the scope or by a row of their claim table."""
    told = {*Client.objects.filter(scope__contains="groups").values_list("project", flat=True)}
    told |= {
        key
        for key, rows in Project.objects.exclude(claims=[]).values_list("pk", "claims")
        if any(one.get("source") == GROUPS for one in rows)
    }
    return frozenset(filter(None, told))


def _project_of(event: Event) -> frozenset[int]:
    return frozenset(Project.objects.filter(key=event.detail.get("project", "")).values_list("pk", flat=True))


EVENTS: Mapping[str, Read] = {
    "account.deactivated": _of_account(ToldKind.DEACTIVATED),
    "account.activated": _of_account(ToldKind.ACTIVATED),
    "password.changed": _of_account(ToldKind.PASSWORD),
    "password.reset": _of_account(ToldKind.PASSWORD),
    "password.replaced": _of_account(ToldKind.PASSWORD, **BY_ADMINISTRATOR),
    "factor.totp_added": _of_account(ToldKind.FACTORS, factor="totp", change="added"),
    "factor.totp_removed": _of_account(ToldKind.FACTORS, factor="totp", change="removed"),
    "factor.webauthn_added": _of_account(ToldKind.FACTORS, factor="passkey", change="added"),
    "factor.webauthn_removed": _of_account(ToldKind.FACTORS, factor="passkey", change="removed"),
    "factor.recovery_codes_added": _of_account(ToldKind.FACTORS, factor="recovery_codes", change="added"),
    "factor.recovery_codes_removed": _of_account(ToldKind.FACTORS, factor="recovery_codes", change="removed"),
    "factor.all_removed": _of_account(ToldKind.FACTORS, factor="all", change="removed", **BY_ADMINISTRATOR),
    "consent.taken_back": _taken_back,
    "authorization.ended": _ended,
    "token.reuse": _reused,
    "role.granted": _role_moved,
    "role.revoked": _role_moved,
    "role.changed": _role_renamed,
    "group.changed": _group_renamed,
    "groups.changed": _groups_moved,
}


def of_event(event: Event) -> list[Happened]:
    """What is told of it; none: nothing."""
    return [one for one in EVENTS[event.kind](event) if one.sub] if event.kind in EVENTS else []


def of_occurrence(row: Occurrence) -> Happened:
    return Happened(row.at, ToldKind(row.kind), row.sub, frozenset(row.projects), row.detail)
