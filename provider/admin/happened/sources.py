"""Reading the logs, newest first: each by its index and with a limit, then merged.

A page costs as many rows of each log as it has itself, however long the logs are and however far back one reads: what
comes next is found by its time, never by counting what came before.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import NamedTuple

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.lookups import Exact

from accounts.models import AccountEvent, User
from clients.models import Client, RefusedRequest, SecurityEvent
from projects.events import IN_DETAIL, ROUTINE, about
from provider.admin.happened.asked import Asked, Place
from provider.admin.happened.marks import ACCESS, ACCOUNT, CHANGED, REFUSED, SECURITY, marked

REFUSALS, EVENTS, ACCOUNTS, HISTORY = range(4)  # in the order in which rows of one moment are shown


class Raw(NamedTuple):
    """A row of one of the logs."""

    place: Place
    row: Model

    @property
    def key(self) -> tuple[datetime, int, int]:
        """Sorted downwards: the newest first; of one moment by log, and then the newest row."""
        return self.place.at, -self.place.rank, self.place.pk


@dataclass(frozen=True, slots=True)
class Source:
    """`found`: the rows that are asked for, in parts of which each has an index."""

    rank: int
    at: str
    found: list[QuerySet[Model]]

    def read(self, wanted: Asked, after: Place | None, limit: int) -> list[Raw]:
        rows: dict[int, Raw] = {}
        for part in self.found:
            for row in self._after(self._since(part, wanted), after).order_by(f"-{self.at}", "-pk")[:limit]:
                rows[row.pk] = Raw(Place(getattr(row, self.at), self.rank, row.pk), row)
        return sorted(rows.values(), key=lambda one: one.key, reverse=True)[:limit]

    def _since(self, rows: QuerySet[Model], wanted: Asked) -> QuerySet[Model]:
        return rows.filter(**{f"{self.at}__gte": wanted.since}) if wanted.since else rows

    def _after(self, rows: QuerySet[Model], place: Place | None) -> QuerySet[Model]:
        if place is None:
            return rows
        if self.rank < place.rank:
            return rows.filter(**{f"{self.at}__lt": place.at})
        rows = rows.filter(**{f"{self.at}__lte": place.at})
        return rows.exclude(**{self.at: place.at, "pk__gte": place.pk}) if self.rank == place.rank else rows


def read(wanted: Asked, after: Place | None, limit: int) -> list[Raw]:
    """The next rows of all logs together."""
    if wanted.nothing:
        return []
    found = [source.read(wanted, after, limit) for source in _sources(wanted)]
    merged = heapq.merge(*found, key=lambda one: one.key, reverse=True)
    return [one for one, _number in zip(merged, range(limit), strict=False)]


def _sources(wanted: Asked) -> Iterator[Source]:
    marks = wanted.sort.marks
    if REFUSED in marks and not wanted.of_people:
        yield Source(REFUSALS, "last_at", _parts(RefusedRequest.objects.all(), _whose(wanted), _refused_to(wanted)))
    events: QuerySet[Model] = _events().filter(marked(SECURITY, marks))
    whose = [*_whose(wanted), *([] if wanted.whole else [_of_project(wanted)])]
    if not wanted.routine or ACCESS not in marks:
        events = events.filter(~Q(kind__in=ROUTINE))  # the condition of an index, word for word
    yield Source(EVENTS, "at", _parts(events, whose, _about_apps(wanted), _about_people(wanted)))
    if not wanted.whole or wanted.app or (wanted.text and not wanted.meant):
        return  # accounts are of no project and no app
    people = [one for one in (wanted.person, wanted.meant) if one]
    accounts = AccountEvent.objects.filter(marked(ACCOUNT, marks))
    yield Source(ACCOUNTS, "at", _parts(accounts, *([Q(sub=one.sub), Q(detail__by=one.sub)] for one in people)))
    if CHANGED in marks:
        entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(User))
        history = _parts(entries, *([Q(user=one), Q(object_id=str(one.pk))] for one in people))
        yield Source(HISTORY, "action_time", history)


def _events() -> QuerySet[SecurityEvent]:
    return SecurityEvent.objects.annotate(**{f"in_{name}": KT(f"detail__{name}") for name in IN_DETAIL})


def _parts(rows: QuerySet[Model], *wanted: list[Q]) -> list[QuerySet[Model]]:
    """Of each of these lists one has to hold: a query for each choice, for a database has no index for an "or"."""
    return [rows.filter(*choice) for choice in product(*wanted)]


def _whose(wanted: Asked) -> list[Q]:
    """Superusers see everything. Others see what names an app of their projects, or a project of theirs."""
    if wanted.whole:
        return [Q()]
    return [Q(client_id__in=Client.objects.filter(project__in=wanted.projects).values("client_id"))]


def _of_project(wanted: Asked) -> Q:
    """An older project may have had its key."""
    mine = wanted.projects.filter(key=OuterRef("in_project"), created_at__lte=OuterRef("at"))
    return about("project") & Q(Exists(mine), in_project__in=wanted.projects.values("key"))


def _refused_to(wanted: Asked) -> list[Q]:
    if wanted.apps is None:
        return [Q()]
    by_reference = [Q(request_ids__contains=wanted.reference)] if wanted.reference and not wanted.app else []
    return [Q(client_id__in=wanted.apps), *by_reference]


def _about_apps(wanted: Asked) -> list[Q]:
    if wanted.apps is None:
        return [Q()]
    named = [Q(client_id__in=wanted.apps), Q(target_client_id__in=wanted.apps)]
    return [*named, *(_of_person(wanted.meant) if wanted.meant and not wanted.app else [])]


def _about_people(wanted: Asked) -> list[Q]:
    if wanted.person:
        return _of_person(wanted.person)
    if wanted.known_as:
        return [wanted.about_known_as]
    return [Q()]


def _of_person(person: User) -> list[Q]:
    """Whom it happened to, and who did it."""
    # As texts: the lookup that Django has for keys of JSON takes the `sub` for JSON, which SQLite refuses.
    named = [about(name) & Q(Exact(KT(f"detail__{name}"), person.sub)) for name in ("person", "member")]
    if connection.vendor == "sqlite":  # which has no use for an index by a key of JSON: it reads all, so once is enough
        named = [named[0] | named[1]]
    return [Q(sub=person.sub), *named]
