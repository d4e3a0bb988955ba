"""Events of both logs as one feed that can be read on from any place, and from which nothing is missing.

A place in it is how far each log was read: `1204.88`. Rows of PostgreSQL may be committed in another order than they
were numbered in, and a long transaction (a configuration file) much later: whoever reads on by number would never see
them. So nothing beyond a number is read before every transaction is over that ran when the number was found.
"""

from __future__ import annotations

import heapq
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

from django.db import connection
from django.db.models import Max, Q, QuerySet

from accounts.models import AccountEvent
from clients.models import SecurityEvent

BATCH = 1_000
SLACK = 10_000  # numbers; a row may have a lower one than an earlier row
UNNOTICED = 0.05  # seconds between taking a number and being known as a transaction
POLL = 0.2  # seconds
# Each holds its own number. Not from a snapshot: that one knows no number beyond the last transaction that is over.
WRITING = """SELECT l.transactionid::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND a.datname = current_database()
    AND l.pid <> pg_backend_pid()"""
PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")


class Place(NamedTuple):
    """How far the log of security events and that of accounts were read."""

    security: int
    account: int

    @classmethod
    def of(cls, text: str) -> Self | None:
        found = PLACE.fullmatch(text)
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.security}.{self.account}"


class Event(NamedTuple):
    at: datetime
    log: str
    pk: int
    kind: str
    client_id: str
    target_client_id: str
    sub: str
    address: str
    detail: dict[str, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events. A kind that ends with a period stands for all that begin so: `client.`."""

    since: datetime | None = None
    kinds: tuple[str, ...] = ()
    client_id: str = ""
    sub: str = ""
    project: str = ""
    clients_of_project: tuple[str, ...] = field(default=())

    def security(self) -> QuerySet[SecurityEvent]:
        rows = SecurityEvent.objects.filter(self._common())
        if self.client_id:
            rows = rows.filter(Q(client_id=self.client_id) | Q(target_client_id=self.client_id))
        if self.project:
            rows = rows.filter(Q(detail__project=self.project) | Q(client_id__in=self.clients_of_project))
        if self.sub:
            rows = rows.filter(Q(sub=self.sub) | Q(detail__member=self.sub) | Q(detail__person=self.sub))
        return rows

    def account(self) -> QuerySet[AccountEvent]:
        """An account is of no client and no project."""
        if self.client_id or self.project:
            return AccountEvent.objects.none()
        rows = AccountEvent.objects.filter(self._common())
        return rows.filter(sub=self.sub) if self.sub else rows

    def _common(self) -> Q:
        either = Q()
        for kind in self.kinds:
            either |= Q(kind__startswith=kind) if kind.endswith(".") else Q(kind=kind)
        return either & (Q(at__gte=self.since) if self.since else Q())


def end() -> Place:
    """Where the feed ends now."""
    return Place(_last(SecurityEvent), _last(AccountEvent))


def place_before(since: datetime) -> Place:
    """A place with nothing of this moment or later before it."""
    return Place(_before(SecurityEvent, since), _before(AccountEvent, since))


def _last(model: type[SecurityEvent] | type[AccountEvent]) -> int:
    return model.objects.aggregate(last=Max("pk"))["last"] or 0


def _before(model: type[SecurityEvent] | type[AccountEvent], since: datetime) -> int:
    first = model.objects.filter(at__gte=since).order_by("at").values_list("pk", flat=True).first()
    return max(first - SLACK, 0) if first is not None else _last(model)


def later(one: Place, other: Place) -> Place:
    return Place(*map(max, one, other))


def settled(stop: Callable[[], bool]) -> Place | None:
    """A place up to which nothing can appear any more; None: told to stop before there was one."""
    found = end()
    if connection.vendor != "postgresql":  # rows are numbered in the order in which they are committed
        return found
    time.sleep(UNNOTICED)
    before = _writing()
    while before & _writing():
        if stop():
            return None
        time.sleep(POLL)
    return found


def _writing() -> set[str]:
    """The transactions of this database that have written something, and are not over."""
    with connection.cursor() as cursor:
        cursor.execute(WRITING)
        return {str(one) for (one,) in cursor.fetchall()}


def between(after: Place, until: Place, wanted: Wanted) -> Iterator[tuple[Place, Event]]:
    """The events between two places, each with the place behind it, about in the order of their times."""
    security = _events(wanted.security(), after.security, until.security)
    account = _events(wanted.account(), after.account, until.account)
    read = after
    for event in heapq.merge(security, account, key=lambda one: one.at):
        read = read._replace(**{event.log: event.pk})
        yield read, event


def _events(wanted: QuerySet[SecurityEvent] | QuerySet[AccountEvent], after: int, until: int) -> Iterator[Event]:
    """By number, a batch at a time: nobody keeps a cursor open while somebody else reads what is printed."""
    while after < until:
        batch = [_event(row) for row in wanted.filter(pk__gt=after, pk__lte=until).order_by("pk")[:BATCH]]
        yield from batch
        after = batch[-1].pk if len(batch) == BATCH else until


def _event(row: SecurityEvent | AccountEvent) -> Event:
    if isinstance(row, AccountEvent):
        return Event(row.at, "account", row.pk, row.kind, "", "", row.sub, row.address, _sorted(row.detail))
    client_id, target = row.client_id, row.target_client_id
    return Event(row.at, "security", row.pk, row.kind, client_id, target, row.sub, "", _sorted(row.detail))


def _sorted(detail: dict[str, object]) -> dict[str, object]:
    """In one order, whichever a database keeps."""
    return dict(sorted(detail.items()))
