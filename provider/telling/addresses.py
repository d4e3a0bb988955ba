"""Addresses that wait to be told: handed over and kept only while whoever gets them may know them.

Access ends in many ways: somebody takes it back, an operator ends it, an app is disabled, a rule lets nobody in any
more. None of them has to think of this: whoever may know an address is asked for before it leaves, and at each run.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from accounts.models import User
from clients.models import Delivery
from clients.models.logout import NoticeState
from clients.models.telling import ToldKind
from common import clock
from provider.telling import sets
from provider.telling.relations import may_know

EMAIL = "email"  # the scope
PERSON = "person"  # beside an address: whose it is, whatever the receiver calls them. It is never sent.
NOT_WANTED = "Who it is about may not be told any more, and nothing else was asked for."


def sweep() -> None:
    """Of all that waits."""
    waiting = Delivery.objects.filter(kind=ToldKind.EMAIL, state=NoticeState.DUE, data__has_key=sets.BEFORE)
    settled(waiting.select_related("stream__client__project").order_by("pk"))


def settled(rows: Iterable[Delivery]) -> list[Delivery]:
    """Those of these that may go, without what their receivers may not know by now. The others are given up."""
    return [row for row in rows if row.kind != ToldKind.EMAIL or _settle(row)]


def _settle(row: Delivery) -> bool:
    mine = Delivery.objects.filter(pk=row.pk, state=NoticeState.DUE)
    if sets.BEFORE in row.data and not _may_be_told(row):
        row.data = {}
        mine.update(data={})
    wanted = row.stream is None or sets.wanted(row.kind, row.data, row.stream.events_requested) is not None
    if not wanted:
        mine.update(state=NoticeState.GIVEN_UP, problem=NOT_WANTED, data={})
    return wanted


def _may_be_told(row: Delivery) -> bool:
    project = row.stream.client.project_id if row.stream else None
    user = User.objects.filter(sub=row.data.get(PERSON, "")).first()
    now = clock.now() + timedelta.resolution  # what ended in this moment has ended
    return user is not None and project is not None and bool(may_know(user, EMAIL, now, (project,)))
