"""Deletes rows that are no longer needed, in batches, and never those by which a second use is recognised.

A table is walked in batches of bounded size, each a short transaction of its own, so nobody waits for long and an
interrupted run has lost nothing. No index serves this: it would make every issued token more expensive. Rows that
somebody is working on are left for the next run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable

from accounts import sign_in
from accounts.mails import Mail
from accounts.models import AccountEvent, SignIn, User
from clients.models import (
    AccessToken,
    Authorization,
    Client,
    ConsentRequest,
    Delivery,
    DeviceGrant,
    FirstUse,
    Grant,
    InitialAccessToken,
    KeptRequest,
    LogoutNotice,
    Occurrence,
    ProjectTally,
    PushedRequest,
    RefreshToken,
    RefusedRequest,
    RegistrationAccess,
    RevokedToken,
    SecurityEvent,
    Tally,
)
from projects.actors import ITSELF
from projects.choices import GuestApps
from projects.events import API_DELETED, CLIENT_DELETED, GUEST_DELETED
from projects.invitation import Invitation
from projects.models import Consent, Project
from provider import partitions
from provider.store import live

RETENTION = timedelta(days=30)
REFUSALS_RETENTION = timedelta(days=30)
TALLIES_RETENTION = timedelta(days=90)
EVENTS_RETENTION = timedelta(days=400)  # a year and a month
OF_GUESTS_RETENTION = timedelta(days=30)  # what anybody may have written, any number of times (decision 0234)
# The id of a deleted client and the address of a deleted API are never free again. These events record them.
NEVER_DELETED = (CLIENT_DELETED, API_DELETED)
DEVICES_KNOWN_FOR = timedelta(days=1)  # a device that still asks hears that its code has expired
GUESTS_UNCONFIRMED, GUESTS_FORGOTTEN = timedelta(days=1), timedelta(days=30)
LONGEST_GRACE = timedelta(hours=2)  # more than IDP_REFRESH_GRACE_SECONDS may be, and two clocks may differ
PAGES_PER_BATCH = 128  # of PostgreSQL, 8 kB each: some thousand rows
ROWS_PER_BATCH = 5_000  # of SQLite
SMALLER = 16


@dataclass(frozen=True, slots=True)
class PurgeRule:
    """Which rows of one table may be deleted; or kept, and only these columns of them emptied."""

    name: str
    model: type[models.Model]
    expired: Combinable | Q
    emptied: tuple[str, ...] = ()
    small: bool = False  # batches: each row takes statements of its own


@dataclass(frozen=True, slots=True)
class Batch:
    """One step of the walk: how much of the table was visited, and how many rows were deleted (or would be)."""

    done: int
    total: int
    rows: int


def rules(now: datetime, retention: timedelta, events_retention: timedelta = EVENTS_RETENTION) -> list[PurgeRule]:
    """In this order: what belongs to an Authorization goes before it.

    A used code and an expired refresh token are kept for `retention`: presented again, they end their Authorization. An
    Authorization that a JWT of its client could still name is kept as well. Events are kept for `events_retention`,
    those of guests about themselves and requests that were refused for a month.
    What a deleted person, client or project left (`clients.remains`) goes at once.
    """
    before = now - retention
    has_authorization = Exists(Authorization.objects.filter(sign_in=OuterRef("pk")))
    ended = Q(ended_at__lt=before) | Q(ended_at__isnull=True, seen_at__lt=sign_in.session_cutoff(before))
    old = now - events_retention
    over = Q(rotated_at__lt=now - LONGEST_GRACE) & ~Q(seed_before="")
    return [
        PurgeRule("access_tokens", AccessToken, _access_tokens(now)),
        PurgeRule("codes", Grant, Q(expires__lt=now, used_at__isnull=True) | Q(expires__lt=before)),
        PurgeRule(
            "refresh_tokens",
            RefreshToken,
            Q(expires__lt=before) & ~_named_by_jwt(now, retention, "expires", "authorization__client"),
        ),
        PurgeRule("device_codes", DeviceGrant, Q(expires__lt=now - DEVICES_KNOWN_FOR) | _left_by(Client, "client")),
        PurgeRule("revoked_tokens", RevokedToken, Q(expires__lt=now)),
        PurgeRule("authorizations", Authorization, _authorizations(now, retention)),
        PurgeRule("guest_apps", Client, _guests(now), small=True),
        PurgeRule("initial_tokens", InitialAccessToken, _initial_tokens(before)),
        PurgeRule("consents", Consent, _consents(before)),
        PurgeRule("seeds", Authorization, over, emptied=("seed_before",)),
        PurgeRule("sign_ins", SignIn, (ended | _left_by(User, "user")) & ~has_authorization),
        PurgeRule("sessions", Session, Q(expire_date__lt=now)),
        PurgeRule("logout_notices", LogoutNotice, Q(created_at__lt=before)),
        PurgeRule("account_events", AccountEvent, Q(at__lt=old)),
        PurgeRule("security_events", SecurityEvent, _events(old, now)),
        PurgeRule("refused_requests", RefusedRequest, Q(last_at__lt=now - REFUSALS_RETENTION)),
        *_of_passing_things(now, before),
    ]


def _of_passing_things(now: datetime, before: datetime) -> list[PurgeRule]:
    """What waits for something, for a while."""
    return [
        PurgeRule("mails", Mail, Q(expires_at__lt=now)),
        PurgeRule("consent_requests", ConsentRequest, Q(expires_at__lt=now)),
        PurgeRule("kept_requests", KeptRequest, Q(expires_at__lt=now)),
        PurgeRule("first_uses", FirstUse, Q(expires_at__lt=now)),
        PurgeRule("pushed_requests", PushedRequest, Q(kept_until__lt=now)),
        PurgeRule("invitations", Invitation, Q(expires_at__lt=before)),
        PurgeRule("deliveries", Delivery, Q(created_at__lt=before)),
        PurgeRule("occurrences", Occurrence, Q(at__lt=before)),
        PurgeRule("tallies", Tally, Q(day__lt=(now - TALLIES_RETENTION).date())),
        PurgeRule("tallies of projects", ProjectTally, Q(day__lt=(now - TALLIES_RETENTION).date())),
    ]


def _access_tokens(now: datetime) -> Q:
    """Where this role drops days that are over, those that no day takes with it."""
    if partitions.are_kept():
        return Q(expires__lt=partitions.expired(now))
    return Q(expires__lt=now) | _left_by(Client, "application")


def _authorizations(now: datetime, retention: timedelta) -> Q:
    """Those that ended, that nothing can use or name any more, or whose client or person is deleted."""
    before = now - retention
    attached = [Exists(one.objects.filter(authorization=OuterRef("pk"))) for one in (Grant, RefreshToken, AccessToken)]
    unused = Q(created_at__lt=before) & ~attached[0] & ~attached[1] & ~attached[2]
    unnamed = unused & ~_named_by_jwt(now, retention, "created_at", "client")
    ended = Q(ended_at__lt=before) | _ended_by_themselves(before)
    return ended | unnamed | _left_by(User, "user") | _left_by(Client, "client")


def _guests(now: datetime) -> Q:
    """Guest apps that nobody allowed anything within a day, or that have had nothing for a month (rule R10).

    An app that is told it is unknown registers itself anew.
    """
    lately = now - GUESTS_FORGOTTEN
    had = Q(created_at__gte=lately) | Q(ended_at__gte=lately) | live.may_live()
    unused = Q(~Exists(Authorization.objects.filter(had, client=OuterRef("pk"))))
    return Q(project__isnull=True, created__lt=now - GUESTS_UNCONFIRMED) & unused


def _events(old: datetime, now: datetime) -> Q:
    """What guest apps did to themselves goes sooner; not what people allowed them, and superusers did to them."""
    of_guests = Q(at__lt=max(old, now - OF_GUESTS_RETENTION)) & (Q(kind=GUEST_DELETED) | Q(detail__by=ITSELF))
    return (Q(at__lt=old) | of_guests) & ~Q(kind__in=NEVER_DELETED)


def _initial_tokens(before: datetime) -> Q:
    """Those that nobody registers with any more, nor did: the bounds of apps that are there are in theirs."""
    over = Q(expires_at__lt=before) | Q(revoked_at__lt=before)
    return over & Q(~Exists(RegistrationAccess.objects.filter(initial_token=OuterRef("pk"))))


def _ended_by_themselves(before: datetime) -> Q:
    """Where no project has a longest grant, or had one, the row alone says it."""
    limited = Q(longest_grant__isnull=False) | Q(grants_not_before__isnull=False) | ~Q(guest_apps=GuestApps.NONE)
    if not Project.objects.filter(limited | Q(guests_not_before__isnull=False)).exists():
        return Q(ends_at__lt=before)
    return Q(Exists(Authorization.objects.filter(live.ended_by_itself(before), pk=OuterRef("pk"))))


def _consents(before: datetime) -> Q:
    """Those whose end the person chose and nothing hangs from any more, and those of a deleted person or project."""
    used = Exists(Authorization.objects.filter(consent=OuterRef("pk")))
    return Q(ends_at__lt=before) & ~used | _left_by(User, "user") | _left_by(Project, "project")


def _left_by(owner: type[models.Model], column: str) -> Q:
    """Rows whose owner is deleted."""
    return Q(~Exists(owner._base_manager.filter(pk=OuterRef(column))))


def _named_by_jwt(now: datetime, retention: timedelta, moment: str, client: str) -> Q:
    """Rows since whose `moment` a JWT of their own client may have lived longer than `retention`.

    No lifetime of another client counts: one that lives for ten years keeps nobody else's rows. The client is asked for
    in a query of its own: a join would lose the rows whose client is deleted.
    """
    seconds = Client.objects.filter(access_token_lifetime__gt=retention.total_seconds())
    several = seconds.order_by().values_list("access_token_lifetime", flat=True).distinct()
    alive = [
        Q(
            **{
                f"{client}__in": Client.objects.order_by().filter(access_token_lifetime=one).values("pk"),
                f"{moment}__gte": now - timedelta(seconds=one),
            }
        )
        for one in several
    ]
    return reduce(or_, alive, Q(pk__in=[]))


def delete_in_batches(rule: PurgeRule, *, dry_run: bool) -> Iterator[Batch]:
    """Walk the table once. Rows added meanwhile are left for the next run."""
    (begin, end), step = _extent(rule.model), PAGES_PER_BATCH if connection.vendor == "postgresql" else ROWS_PER_BATCH
    step = max(1, step // SMALLER) if rule.small else step
    for first in range(begin, end, step):
        where, bounds = [_between(rule.model)], _bounds(first, first + step)
        rows = rule.model._base_manager.filter(rule.expired).extra(where=where, params=bounds)  # noqa: S610
        done = min(first + step, end) - begin
        yield Batch(done, end - begin, rows.count() if dry_run else _apply(rule, rows))


def _apply(rule: PurgeRule, rows: models.QuerySet[models.Model]) -> int:
    with transaction.atomic():
        keys = list(rows.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
        chosen = rule.model._base_manager.filter(pk__in=keys)
        if rule.emptied:
            chosen.update(**dict.fromkeys(rule.emptied, ""))
        else:
            chosen.delete()
    return len(keys)


# --- Where rows are: pages on PostgreSQL, row numbers on SQLite ------------------------------------------------------


def _extent(model: type[models.Model]) -> tuple[int, int]:
    """Where its rows begin and end; of a divided table, in the largest part.

    On SQLite low numbers are long gone, and none is given again.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT 0, max(pg_relation_size(oid)) / current_setting('block_size')::int FROM pg_class"
                " WHERE oid = %s::regclass OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass)",
                [table, table],
            )
        else:
            cursor.execute(f"SELECT coalesce(min(rowid), 0), coalesce(max(rowid) + 1, 0) FROM {table}")  # noqa: S608 - a table of ours
        begin, end = cursor.fetchone()
        return int(begin), int(end)


def _between(model: type[models.Model]) -> str:
    table = connection.ops.quote_name(model._meta.db_table)
    if connection.vendor == "postgresql":
        return f"{table}.ctid >= %s::tid AND {table}.ctid < %s::tid"
    return f"{table}.rowid >= %s AND {table}.rowid < %s"


def _bounds(first: int, last: int) -> list[object]:
    return [f"({first},0)", f"({last},0)"] if connection.vendor == "postgresql" else [first, last]
