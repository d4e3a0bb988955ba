"""Which events are told, as what, and about whom: one row each. No other place decides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clients.models import Authorization, Client, Occurrence
from clients.models.telling import ToldKind
from projects.models import Project
from provider.event_feed import Event

Details = dict[str, str | list[str]]
EVERYWHERE: frozenset[int] | None = None  # every project that knows the person


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to a person, and the projects it concerns: rows' numbers, or EVERYWHERE."""

    at: datetime
    kind: ToldKind
    sub: str
    projects: frozenset[int] | None = EVERYWHERE
    data: Details = field(default_factory=dict)


Read = Callable[[Event], Happened | None]


def _of_account(kind: ToldKind, **data: str) -> Read:
    """Of the log of accounts: it is about whose account it is."""
    return lambda event: Happened(event.at, kind, event.sub, data=dict(data))


def _taken_back(event: Event) -> Happened | None:
    """A person took something back from a project, and it ended authorizations."""
    named = Project.objects.filter(key=event.detail.get("project", "")).values_list("pk", flat=True)
    if not event.detail.get("authorizations") and (event.detail.get("scopes") or event.detail.get("audiences")):
        return None
    return Happened(event.at, ToldKind.ACCESS, event.sub, frozenset(named), {"reason": "taken_back"})


def _ended(event: Event) -> Happened | None:
    """Somebody who manages the project ended one authorization."""
    projects = Client.objects.filter(client_id=event.client_id, project__isnull=False).values_list("project", flat=True)
    data: Details = {"reason": "ended_by_administrator", "client_id": event.client_id}
    return Happened(event.at, ToldKind.ACCESS, str(event.detail.get("person", "")), frozenset(projects), data)


def _reused(event: Event) -> Happened | None:
    """A code or refresh token came twice, and its authorization is over."""
    row = Authorization.objects.filter(pk=str(event.detail["authorization"]), client__project__isnull=False)
    found = row.values_list("user__sub", "client__project", "client__client_id").first()
    if found is None or not found[0]:
        return None
    data: Details = {"reason": "token_used_twice", "client_id": found[2]}
    return Happened(event.at, ToldKind.ACCESS, found[0], frozenset([found[1]]), data)


EVENTS: Mapping[str, Read] = {
    "account.deactivated": _of_account(ToldKind.DEACTIVATED),
    "account.activated": _of_account(ToldKind.ACTIVATED),
    "password.changed": _of_account(ToldKind.PASSWORD),
    "password.reset": _of_account(ToldKind.PASSWORD),
    "password.replaced": _of_account(ToldKind.PASSWORD),
    "email.changed": _of_account(ToldKind.EMAIL),
    "factor.totp_added": _of_account(ToldKind.FACTORS, factor="totp", change="added"),
    "factor.totp_removed": _of_account(ToldKind.FACTORS, factor="totp", change="removed"),
    "factor.webauthn_added": _of_account(ToldKind.FACTORS, factor="passkey", change="added"),
    "factor.webauthn_removed": _of_account(ToldKind.FACTORS, factor="passkey", change="removed"),
    "factor.recovery_codes_added": _of_account(ToldKind.FACTORS, factor="recovery_codes", change="added"),
    "factor.recovery_codes_removed": _of_account(ToldKind.FACTORS, factor="recovery_codes", change="removed"),
    "factor.all_removed": _of_account(ToldKind.FACTORS, factor="all", change="removed"),
    "consent.taken_back": _taken_back,
    "authorization.ended": _ended,
    "token.reuse": _reused,
}


def of_event(event: Event) -> Happened | None:
    """What is told of it; None: nothing."""
    found = EVENTS[event.kind](event) if event.kind in EVENTS else None
    return found if found is not None and found.sub else None


def of_occurrence(row: Occurrence) -> Happened:
    return Happened(row.at, ToldKind(row.kind), row.sub, frozenset(row.projects), row.detail)
