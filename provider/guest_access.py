"""What a person allowed guest apps, and how they end it: each guest at each project by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from clients.models import Authorization, Client
from projects.apis import guest_terms
from projects.consent import Permission
from projects.ends import end_of
from projects.guests import has_document, lets_in, place_of, places_of
from projects.models import Project
from provider import facts
from provider.access import end
from provider.store import events, live


@dataclass(frozen=True, slots=True)
class GuestAccess:
    """What one guest may do with one project in this person's name."""

    client: Client
    project: Project
    held: Permission
    since: datetime
    last_used: datetime
    ends_at: datetime | None

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is, which says more than the name it gave itself."""
        return places_of(self.client.client_id, self.client.redirect_uri_list)

    @property
    def host(self) -> str:
        """That answers for its id; empty: none does."""
        return place_of(self.client.client_id) if has_document(self.client.client_id) else ""


def list_guests(user: User) -> list[GuestAccess]:
    """Those that have access, the one used last first. A guest that a project lets in no longer has none."""
    rows = _of(user).select_related("client", "project").order_by("created_at", "pk")
    grouped: dict[tuple[Client, Project], list[Authorization]] = {}
    for row in rows:
        if row.project is not None and _is_let_in(row, row.project):
            grouped.setdefault((row.client, row.project), []).append(row)
    found = [_access(client, project, each) for (client, project), each in grouped.items()]
    return sorted(found, key=lambda one: one.last_used, reverse=True)


def _of(user: User) -> QuerySet[Authorization]:
    return Authorization.objects.filter(live.may_live(), user=user, project__isnull=False, client__enabled=True)


def _is_let_in(row: Authorization, project: Project) -> bool:
    """By the project, and by whoever runs this provider."""
    known = facts.client_of(row.client_id)
    if known is None or not live.client_lives(known, row.created_at):
        return False
    return lets_in(guest_terms(project), places_of(known.client_id, known.redirect_uris))


def _access(client: Client, project: Project, rows: list[Authorization]) -> GuestAccess:
    terms = guest_terms(project)
    ends = [end_of(row.created_at, row.ends_at, terms) for row in rows]
    return GuestAccess(
        client,
        project,
        Permission(_each(row.scopes for row in rows), _each(row.audiences for row in rows)),
        since=rows[0].created_at,
        last_used=max(row.rotated_at or row.created_at for row in rows),
        ends_at=max(filter(None, ends), default=None) if None not in ends else None,
    )


def _each(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for values in lists for one in values))


def end_guest(user: User, client_id: int, key: str) -> int:
    """End everything that this guest has of this person at this project, and answer how much that was."""
    with transaction.atomic():
        theirs = Authorization.objects.filter(user=user, client=client_id, project__key=key)
        named = Client.objects.filter(pk=client_id).values_list("client_id", flat=True).first()
        if ended := end(theirs):
            events.guest_ended(named or "", user.sub, key, ended)
    return ended
