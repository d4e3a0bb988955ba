"""What lives: authorizations of people, and the tokens that clients got for themselves. For operators and programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet

from accounts.models import SignIn, User
from clients.models import AccessToken, Authorization, Client, RefreshToken
from common import clock
from projects.apis import guest_terms, project_facts
from projects.ends import end_of
from projects.facts import OUTSIDE
from projects.models import Project
from provider.store import live

COUNTED = 10_000  # no more rows are looked at for a number: beyond that it is "10,000 or more"


@dataclass(frozen=True, slots=True)
class Whose:
    """What of whom: all that is named has to fit. `since`: only what was made then or later."""

    user: User | None = None
    client: Client | None = None
    project: Project | None = None
    since: datetime | None = None

    def authorizations(self) -> QuerySet[Authorization]:
        named = {"user": self.user, "client": self.client}
        wanted = Q(**{lookup: one.pk for lookup, one in named.items() if one is not None})
        if self.project is not None:  # its own clients, and guest apps that came in by it
            wanted &= Q(client__project=self.project) | Q(project=self.project)
        made = Q(created_at__gte=self.since) if self.since else Q()
        usable = Q(client__enabled=True, user__is_active=True)
        return Authorization.objects.filter(wanted & made & usable & live.may_live())

    def own_tokens(self) -> QuerySet[AccessToken]:
        """Opaque ones: nobody keeps a JWT that a client got for itself. A person has none."""
        named = {"application": self.client, "application__project": self.project}
        wanted = Q(**{lookup: one.pk for lookup, one in named.items() if one is not None})
        if self.user is not None:
            return AccessToken.objects.none()
        made = Q(created__gte=self.since) if self.since else Q()
        lives = Q(authorization=None, revoked_at=None, expires__gt=clock.now(), application__enabled=True)
        return AccessToken.objects.filter(wanted & made & lives)


@dataclass(frozen=True, slots=True)
class Living:
    """An authorization, and what hangs from it."""

    row: Authorization
    access_tokens: int  # opaque ones that have not expired
    refresh_until: datetime | None  # when the last of its refresh tokens expires; None: never, or it has none
    has_refresh_token: bool
    last_used: datetime
    ends_at: datetime | None

    @property
    def project(self) -> str:
        found = self.row.client.project or self.row.project
        return found.key if found else ""


def counted(rows: QuerySet[Authorization] | QuerySet[AccessToken] | QuerySet[SignIn]) -> int:
    """How many, up to `COUNTED`."""
    return rows.order_by()[:COUNTED].count()


def newest(whose: Whose, most: int) -> Iterator[Living]:
    """Its authorizations, the newest first."""
    rows = list(
        whose.authorizations().select_related("client__project", "project", "user").order_by("-created_at", "pk")[:most]
    )
    keys, now = [one.pk for one in rows], clock.now()
    tokens = AccessToken.objects.filter(authorization__in=keys).values("authorization").order_by()
    alive = Count("digest", filter=Q(expires__gt=now, revoked_at=None))
    of_tokens = {one["authorization"]: one for one in tokens.annotate(alive=alive, last=Max("created"))}
    refresh = RefreshToken.objects.filter(Q(expires=None) | Q(expires__gt=now), authorization__in=keys)
    of_refresh = {one.authorization_id: one.expires for one in refresh.order_by("generation")}
    for row in rows:
        found = of_tokens.get(row.pk)
        used = [row.created_at, row.rotated_at, found["last"] if found else None]
        yield Living(
            row,
            found["alive"] if found else 0,
            of_refresh.get(row.pk),
            row.pk in of_refresh,
            max(one for one in used if one is not None),
            ends_at(row),
        )


def of_projects(projects: QuerySet[Project]) -> Q:
    """Authorizations of their own clients, and of guest apps that they let in."""
    return Q(client__project__in=projects) | Q(project__in=projects)


def ends_at(row: Authorization) -> datetime | None:
    """When it ends by itself; None: it does not."""
    home, host = row.client.project, row.project
    return end_of(row.created_at, row.ends_at, project_facts(home) if home else guest_terms(host) if host else OUTSIDE)
