"""What is worth nothing any more goes: piece by piece, and never what a second use is recognised by.

A table is walked in pieces of bounded size, each a short transaction of its own, so that nobody waits for long and an
interrupted run has lost nothing. No index serves this: it would cost every token that is issued. Rows somebody is
working on are left for the next run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable

from accounts import sign_in
from accounts.models import AccountEvent, SignIn
from clients.models import AccessToken, Authorization, Grant, LogoutNotice, RefreshToken, RevokedToken, SecurityEvent
from clients.models.authorization import API_DELETED, CLIENT_DELETED
from provider.keys import rotation

RETENTION = timedelta(days=30)
EVENTS_RETENTION = timedelta(days=400)  # a year and a month
# The id of a deleted client and the address of a deleted API are never free again; these events say which they were.
KEPT_FOR_EVER = (CLIENT_DELETED, API_DELETED)
PAGES = 128  # of PostgreSQL, 8 kB each: some thousand rows
ROWS = 5_000  # of SQLite


@dataclass(frozen=True, slots=True)
class Pile:
    """Rows of one table that may go."""

    name: str
    model: type[models.Model]
    worthless: Combinable | Q


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of the walk: how much of the table has been looked at, and how many rows went (or would go)."""

    done: int
    of: int
    rows: int


def piles(now: datetime, retention: timedelta, events_retention: timedelta = EVENTS_RETENTION) -> list[Pile]:
    """In this order: what hangs from an Authorization goes before it.

    A used code and an expired refresh token are kept for `retention`: presented again, they end their Authorization.
    What a JWT of the longest lifetime could still hang from is kept as well. Events are kept for `events_retention`.
    """
    longest = rotation.longest_lifetime()
    before, alive = now - retention, now - max(retention, longest)
    hang = [Exists(one.objects.filter(authorization=OuterRef("pk"))) for one in (Grant, RefreshToken, AccessToken)]
    unused = Q(created_at__lt=alive) & ~hang[0] & ~hang[1] & ~hang[2]
    points_to_it = Exists(Authorization.objects.filter(sign_in=OuterRef("pk")))
    over = Q(ended_at__lt=before) | Q(ended_at__isnull=True, seen_at__lt=sign_in.session_cutoff(before))
    old = Q(at__lt=now - events_retention)
    return [
        Pile("access_tokens", AccessToken, Q(expires__lt=now)),
        Pile("codes", Grant, Q(expires__lt=now, used_at__isnull=True) | Q(expires__lt=before)),
        Pile("refresh_tokens", RefreshToken, Q(expires__lt=alive)),
        Pile("revoked_tokens", RevokedToken, Q(expires__lt=now)),
        Pile("authorizations", Authorization, Q(ended_at__lt=before) | unused),
        Pile("sign_ins", SignIn, over & ~points_to_it),
        Pile("sessions", Session, Q(expire_date__lt=now)),
        Pile("logout_notices", LogoutNotice, Q(created_at__lt=before)),
        Pile("account_events", AccountEvent, old),
        Pile("security_events", SecurityEvent, old & ~Q(kind__in=KEPT_FOR_EVER)),
    ]


def sweep(pile: Pile, *, dry_run: bool) -> Iterator[Piece]:
    """Walk the table once; rows that come meanwhile are for the next time."""
    size, step = _size(pile.model), PAGES if connection.vendor == "postgresql" else ROWS
    for first in range(0, size, step):
        where, bounds = [_between(pile.model)], _bounds(first, first + step)
        rows = pile.model._base_manager.filter(pile.worthless).extra(where=where, params=bounds)  # noqa: S610
        yield Piece(min(first + step, size), size, rows.count() if dry_run else _delete(pile.model, rows))


def _delete(model: type[models.Model], rows: models.QuerySet[Any]) -> int:
    with transaction.atomic():
        keys = list(rows.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
        model._base_manager.filter(pk__in=keys).delete()
    return len(keys)


# --- Where rows are: pages on PostgreSQL, row numbers on SQLite ------------------------------------------------------


def _size(model: type[models.Model]) -> int:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int", [table])
        else:
            cursor.execute(f"SELECT coalesce(max(rowid) + 1, 0) FROM {table}")  # noqa: S608 - a table of ours
        return int(cursor.fetchone()[0])


def _between(model: type[models.Model]) -> str:
    table = connection.ops.quote_name(model._meta.db_table)
    if connection.vendor == "postgresql":
        return f"{table}.ctid >= %s::tid AND {table}.ctid < %s::tid"
    return f"{table}.rowid >= %s AND {table}.rowid < %s"


def _bounds(first: int, last: int) -> list[Any]:
    return [f"({first},0)", f"({last},0)"] if connection.vendor == "postgresql" else [first, last]
