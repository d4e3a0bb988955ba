"""Who uses an app: a row for each person, however often they signed in; and how many would notice if it were gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import User
from clients.models import Authorization, Client
from provider.living import Whose
from provider.store import live


@dataclass(frozen=True, slots=True)
class AppPerson:
    """`times`: how often they let it in. Used: it signed them in, or renewed its tokens."""

    user: User
    times: int
    since: datetime
    last_used: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    people: int
    service_tokens: int


def rows_of(client: Client, which: Q | None = None) -> QuerySet[Authorization]:
    """Those of people whom it may still speak for. `which`: only of these."""
    active = {"client": client, "user__sub__isnull": False, "user__is_active": True}
    rows = Authorization.objects.filter(live.may_live(), **active).order_by()
    return rows if which is None else rows.filter(which)


def count(rows: QuerySet[Authorization]) -> int:
    """Of people."""
    return int(rows.aggregate(people=Count("user", distinct=True))["people"])


def people(rows: QuerySet[Authorization], first: int = 0, most: int = 1) -> list[AppPerson]:
    """A row for each person, the one who used it last first; so many of them, from this one on."""
    used = Max(Coalesce(F("rotated_at"), F("created_at")))
    by_person = rows.values("user").annotate(times=Count("pk"), since=Min("created_at"), last_used=used)
    read = list(by_person.order_by("-last_used", "user")[first : first + most])
    known = User.objects.in_bulk([one["user"] for one in read])
    return [
        AppPerson(known[one["user"]], one["times"], one["since"], one["last_used"])
        for one in read
        if one["user"] in known
    ]


def numbers(client: Client) -> Numbers:
    return Numbers(count(rows_of(client)), service_tokens(client))


def service_tokens(client: Client) -> int:
    """That it got for itself, and that work."""
    return Whose(client=client).own_tokens().count()
