"""Addresses that wait to be told: handed over and kept only while whoever gets them may know them.

Access ends in many ways: somebody takes it back, an operator ends it, an app is disabled, a rule lets nobody in any
more. None of them has to think of this: whoever may know an address is asked for before it leaves, and again and again
while it waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan

from accounts.models import User
from clients.models import Delivery
from clients.models.logout import NoticeState
from clients.models.telling import ToldKind
from common import clock
from provider.telling import sets
from provider.telling.relations import may_know_each

EMAIL = "email"  # the scope
PERSON = "person"  # beside an address: whose it is, whatever the receiver calls them. It is never sent.
NOT_WANTED = "Who it is about may not be told any more, and nothing else was asked for."
PORTION = 500  # of what waits, of whatever kind
ORDER = ("stream_id", "sub", "pk")  # of the index of what waits: none has the kind

Place = tuple[UUID | None, str, int]


class Round:
    """Through all that waits for streams, a portion a run: behind a receiver that is down there may be very much, and
    the news of everybody else wait meanwhile."""

    def __init__(self) -> None:
        self._behind: Place | None = None  # the last that was looked at

    def go_on(self) -> None:
        """The next portion; after the last one from the beginning."""
        if self._behind is None or not self._portion(self._behind):
            self._portion(None)

    def _portion(self, behind: Place | None) -> bool:
        """Whether it is a whole one, which others may come after."""
        waiting = Delivery.objects.filter(stream__isnull=False, state=NoticeState.DUE)
        if behind is not None:
            waiting = waiting.filter(TupleGreaterThan(Tuple(*map(F, ORDER)), behind))
        rows = list(waiting.select_related("stream__client__project").order_by(*ORDER)[:PORTION])
        settled(rows)
        places: list[Place] = [(row.stream_id, row.sub, row.pk) for row in rows[PORTION - 1 :]]
        self._behind = places[0] if places else None
        return bool(places)


_round = Round()


def sweep() -> None:
    """Of what waits, some."""
    _round.go_on()


def settled(rows: Iterable[Delivery]) -> list[Delivery]:
    """Those of these that may go, without what their receivers may not know by now. The others are given up."""
    found = list(rows)
    _forget([row for row in found if row.kind == ToldKind.EMAIL and sets.BEFORE in row.data])
    over = {row.pk for row in found if row.kind == ToldKind.EMAIL and not _wanted(row)}
    if over:
        _due(over).update(state=NoticeState.GIVEN_UP, problem=NOT_WANTED, data={})
    return [row for row in found if row.pk not in over]


def _wanted(row: Delivery) -> bool:
    return row.stream is None or sets.wanted(row.kind, row.data, row.stream.events_requested) is not None


def _forget(rows: Sequence[Delivery]) -> None:
    """The addresses that may not be told any more."""
    if not rows:
        return
    projects = {project for row in rows if (project := _project(row)) is not None}
    people = {user.sub: user for user in User.objects.filter(sub__in={_whose(row) for row in rows})}
    now = clock.now() + timedelta.resolution  # what ended in this moment has ended
    knowing = may_know_each(people.values(), EMAIL, now, projects)
    gone = [row for row in rows if _project(row) not in knowing.get(_whose(row), ())]
    for row in gone:
        row.data = {}
    if gone:
        _due([row.pk for row in gone]).update(data={})


def _project(row: Delivery) -> int | None:
    return row.stream.client.project_id if row.stream is not None else None


def _whose(row: Delivery) -> str:
    """Whoever is not named is who the receiver knows by that, unless it knows everybody by another name."""
    return str(row.data.get(PERSON) or row.sub)


def _due(keys: Iterable[int]) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk__in=keys, state=NoticeState.DUE)
