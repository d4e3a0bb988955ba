"""The limit of how many people a directory ends in an hour. The only writer of `Endings`.

A mapping that somebody broke there deactivates everybody, one request at a time, and each of them looks right. So
whoever ends more than a part of their people is stopped until somebody who runs this provider lets them go on: time
alone would only spread the mistake over more hours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from clients.models import Client, Endings
from common import clock
from projects.actors import Actor
from projects.events import record

HOUR = timedelta(hours=1)
FREE_FOR = timedelta(days=1)  # once somebody let it go on
PART = 5  # of all its people one in so many
LEAST, MOST = 10, 500  # as many in any case, and never more


class TooMany(Exception):
    """This person is one too many, or the directory is stopped already."""


def limit_of(people: int) -> int:
    """What nobody configured: a fifth of its people; of few ten, of many five hundred."""
    return min(max(people // PART, LEAST), MOST)


def count(client: int, people: Callable[[], int]) -> None:
    """One more ends, in the transaction that ends them, which the next one waits for. Raises TooMany.

    `client`: its row. `people`: how many it looks after, which is asked once an hour.
    """
    if settings.IDP_SCIM_ENDINGS_PER_HOUR == 0:
        return
    rows = Endings.objects.select_for_update().filter(client=client)
    row = rows.first()
    if row is None:
        Endings.objects.get_or_create(client_id=client, defaults={"most": _most(people)})
        row = rows.get()
    now = clock.now()
    if row.free_until is not None and row.free_until > now:
        return
    if row.held_at is not None:
        raise TooMany
    if now - row.begun_at >= HOUR:
        row.begun_at, row.number, row.most = now, 0, _most(people)
    if row.number >= row.most:
        raise TooMany
    row.number += 1
    row.save(update_fields=["begun_at", "number", "most"])


def _most(people: Callable[[], int]) -> int:
    configured: int | None = settings.IDP_SCIM_ENDINGS_PER_HOUR
    return limit_of(people()) if configured is None else configured


def stop(client: int, by: Actor) -> None:
    """After what was one too many is undone. It is on record once."""
    with transaction.atomic():
        row = _locked().filter(client=client, held_at=None).first()
        if row is not None:
            row.held_at = clock.now()
            row.save(update_fields=["held_at"])
            record(by, "directory.stopped", row.client.client_id, people=row.number)


def let_go_on(client: Client, by: Actor) -> bool:
    """For a day it ends whomever it says. Answers whether it was stopped."""
    with transaction.atomic():
        row = _locked().filter(client=client, held_at__isnull=False).first()
        if row is None:
            return False
        now = clock.now()
        row.held_at, row.free_until, row.begun_at, row.number = None, now + FREE_FOR, now, 0
        row.save()
        record(by, "directory.let_go_on", client.client_id)
    return True


def _locked() -> QuerySet[Endings]:
    return Endings.objects.select_related("client").select_for_update(of=("self",))
