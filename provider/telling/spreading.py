"""From events to deliveries: each recipient whom something concerns gets a row that waits to be sent.

One process at a time does it, so that the rows of one person stand in the order in which things happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from zlib import crc32

from django.db import connection, transaction
from django.db.models import Min

from clients.models import Delivery, Occurrence, ReadUntil, Stream, Webhook
from clients.models.telling import ToldKind
from provider import event_feed
from provider.event_feed import Place, Wanted
from provider.telling import addresses, table
from provider.telling.portion import Portion
from provider.telling.relations import told_projects
from provider.telling.table import Happened

BATCH = 500  # events and occurrences spread in one transaction
PEOPLE = 5_000  # after so many no further event is read in it: a renamed group is about everybody in it
PORTION = 500  # of what happened to people, whose recipients are found together
PATIENCE = 5.0  # seconds for transactions that may still add an event; then they are left for the next run
WANTED = Wanted(kinds=tuple(table.EVENTS))
LOCK = crc32(b"provider.telling.spreading")


def spread(should_stop: Callable[[], bool]) -> int:
    """Write the deliveries of everything that happened since the last run. Returns how many."""
    if not told_projects():
        _forget()
        return 0
    written, more = 0, True
    while more and not should_stop():
        until = event_feed.settled(_impatient(should_stop))
        if until is None:
            break
        made, more = _spread_some(until, should_stop)
        written += made
    if not should_stop():
        addresses.sweep()
    return written


def _forget() -> None:
    """Nobody is told: whoever comes next hears of what happens from then on."""
    ReadUntil.objects.all().delete()
    Occurrence.objects.all().delete()


def _impatient(should_stop: Callable[[], bool]) -> Callable[[], bool]:
    last = time.monotonic() + PATIENCE
    return lambda: should_stop() or time.monotonic() > last


def _spread_some(until: Place, still_at_it: Callable[[], object]) -> tuple[int, bool]:
    """Some of it, all or none; and whether there may be more to do.

    `still_at_it` is called while one event is about very many people. It cannot be left in the middle: the next run
    would begin it again.
    """
    with transaction.atomic():
        if not _alone():
            return 0, False
        place = _place()
        of_events, read, more = _read(place, until)
        occurrences = list(Occurrence.objects.order_by("at", "pk")[:BATCH])
        written = _write([*map(table.of_occurrence, occurrences), *of_events], still_at_it)
        Occurrence.objects.filter(pk__in=[one.pk for one in occurrences]).delete()
        ReadUntil.objects.update_or_create(pk=1, defaults=read._asdict())
    return written, more or len(occurrences) == BATCH


def _read(place: Place, until: Place) -> tuple[list[Happened], Place, bool]:
    """What the next events say, how far that was read, and whether there may be more."""
    said: list[Happened] = []
    for number, (behind, event) in enumerate(event_feed.between(place, until, WANTED), 1):
        said += table.of_event(event)
        if number == BATCH or len(said) >= PEOPLE:
            return said, behind, True
    return said, event_feed.later(place, until), False


def _write(said: list[Happened], still_at_it: Callable[[], object]) -> int:
    """The deliveries of all this, in the order in which it happened. Returns how many."""
    said.sort(key=lambda one: one.at)
    # Whoever deleted the account in the meantime is known by that alone.
    left = {one.sub: one.projects or frozenset() for one in said if one.kind == ToldKind.DELETED}
    among, written = told_projects() if said else frozenset(), 0
    for first in range(0, len(said), PORTION):
        still_at_it()
        some = Portion(said[first : first + PORTION], among, left)
        written += len(Delivery.objects.bulk_create(some.deliveries()))
    return written


def _alone() -> bool:
    """Nobody else spreads until the transaction ends. SQLite lets one transaction write at a time anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _place() -> Place:
    """How far the logs were read; the first time, up to when the first recipient was added."""
    row = ReadUntil.objects.first()
    if row is not None:
        return Place(row.security, row.account)
    found = [model._default_manager.aggregate(first=Min("created_at"))["first"] for model in (Webhook, Stream)]
    since = min(filter(None, found), default=None)
    return event_feed.place_before(since) if since is not None else event_feed.end()
