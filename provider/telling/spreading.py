"""From events to deliveries: each recipient whom something concerns gets a row that waits to be sent.

One process at a time does it, so that the rows of one person stand in the order in which things happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from zlib import crc32

from django.db import connection, transaction
from django.db.models import Min

from accounts.models import User
from clients import streams
from clients.models import Delivery, Occurrence, ReadUntil, Stream, Webhook
from clients.models.stream import StreamStatus
from clients.models.telling import ToldKind
from projects.models import Project
from projects.roles import roles_of
from projects.sectors import told_moment, told_sid, told_sub
from provider import event_feed
from provider.event_feed import Event, Place, Wanted
from provider.telling import sets, table
from provider.telling.relations import projects_of, told_projects
from provider.telling.table import Happened

BATCH = 500  # events and occurrences spread in one transaction
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
        made, more = _spread_some(until)
        written += made
    return written


def _forget() -> None:
    """Nobody is told: whoever comes next hears of what happens from then on."""
    ReadUntil.objects.all().delete()
    Occurrence.objects.all().delete()


def _impatient(should_stop: Callable[[], bool]) -> Callable[[], bool]:
    last = time.monotonic() + PATIENCE
    return lambda: should_stop() or time.monotonic() > last


def _spread_some(until: Place) -> tuple[int, bool]:
    """Some of it, all or none; and whether there may be more to do."""
    with transaction.atomic():
        if not _alone():
            return 0, False
        place = _place()
        events = list(islice(event_feed.between(place, until, WANTED), BATCH))
        occurrences = list(Occurrence.objects.order_by("at", "pk")[:BATCH])
        rows = _deliveries([one for _place_behind, one in events], occurrences)
        Delivery.objects.bulk_create(rows)
        Occurrence.objects.filter(pk__in=[one.pk for one in occurrences]).delete()
        read = events[-1][0] if len(events) == BATCH else event_feed.later(place, until)
        ReadUntil.objects.update_or_create(pk=1, defaults=read._asdict())
    return len(rows), BATCH in (len(events), len(occurrences))


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


def _deliveries(events: list[Event], occurrences: list[Occurrence]) -> list[Delivery]:
    said = [table.of_occurrence(one) for one in occurrences]
    said += [one for event in events for one in table.of_event(event)]
    said.sort(key=lambda one: one.at)
    # Whoever deleted the account in the meantime is known by that alone.
    left = {one.sub: one.projects or frozenset() for one in said if one.kind == ToldKind.DELETED}
    among = told_projects()
    return [row for one in said for row in _of(one, _whose(one, among, left.get(one.sub, frozenset())))]


def _whose(one: Happened, among: frozenset[int], left: frozenset[int]) -> frozenset[int]:
    """`left`: the projects that knew somebody who is deleted by now. What is of some projects stays theirs."""
    if one.projects is not None and not one.only_known:
        return one.projects
    chosen = among if one.projects is None else one.projects & among
    return projects_of(one.sub, one.at, chosen) | (left & chosen)


def _of(one: Happened, projects: Collection[int]) -> Iterator[Delivery]:
    """A row for each recipient of these projects that was there by then, and wants this kind."""
    webhooks = Webhook.objects.filter(project__in=projects, created_at__lte=one.at).select_related("project")
    for webhook in webhooks.order_by("pk"):
        if not webhook.kinds or one.kind in webhook.kinds:
            sub, at = told_sub(one.sub, webhook.project), told_moment(one.at, webhook.project)
            data = _told(one, webhook.project)
            yield Delivery(webhook=webhook, sub=sub, kind=one.kind, data=data, happened_at=at)
    there = Stream.objects.filter(streams.ENTITLED, client__project__in=projects, created_at__lte=one.at)
    for stream in there.exclude(status=StreamStatus.DISABLED).select_related("client__project").order_by("pk"):
        yield from _of_stream(one, stream, stream.client.home)


def _told(one: Happened, project: Project) -> table.Details:
    """With the sign-in as this project knows it."""
    return {**one.data, "sid": told_sid(str(one.data["sid"]), project)} if "sid" in one.data else one.data


def _of_stream(one: Happened, stream: Stream, project: Project) -> Iterator[Delivery]:
    """A session of another app of the project is no matter of this one's."""
    sub = told_sub(one.sub, project)
    named = one.data.get("client_ids", one.data.get("client_id"))
    apps = [named] if isinstance(named, str) else named
    wanted = sets.event_type(one.kind) in stream.events_requested
    of_others = apps is not None and stream.client.client_id not in apps
    if wanted and not of_others and not stream.exclusions.filter(sub=sub).exists():
        data = {**_told(one, project), **_claims(one, stream)}
        at = told_moment(one.at, project)
        yield Delivery(stream=stream, sub=sub, kind=one.kind, data=data, happened_at=at)


def _claims(one: Happened, stream: Stream) -> dict[str, dict[str, list[str]]]:
    """The new values: roles of its own project. Which groups it may know is for its claims to say, so it asks."""
    project = stream.client.project_id
    if one.kind != ToldKind.ROLES or project is None:
        return {}
    user = User.objects.filter(sub=one.sub).values_list("pk", flat=True).first()
    return {"claims": {"roles": list(roles_of(project, user))}} if user is not None else {}
