"""What waits for a recipient, in lanes: of each person one delivery after the other, whoever sends them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Case, Exists, F, JSONField, OuterRef, Q, QuerySet, Value, When

from clients.models import Delivery, Stream, Webhook
from clients.models.logout import NoticeState
from clients.models.telling import ToldKind
from common import clock
from provider import outboxes
from provider.outboxes import MAX_TRIES, Sent
from provider.patience import Lookups, Patience

# Once a receiver has an address, or never gets it, it is kept no longer.
NOT_KEPT = {"data": Case(When(kind=ToldKind.EMAIL, then=Value({}, JSONField())), default=F("data"))}


def claim_next(patience: Patience, lookups: Lookups, open_now: Q) -> Delivery | None:
    """A delivery that is due and the first of its person, counted as tried and due again later.

    `open_now`: whose recipient takes anything at all.
    """
    owner, now = lookups.client, clock.now()
    before = Delivery.objects.filter(
        **{owner: OuterRef(owner)}, sub=OuterRef("sub"), state=NoticeState.DUE, pk__lt=OuterRef("pk")
    )
    rested = Q(**{f"{owner}__not_before__isnull": True}) | Q(**{f"{owner}__not_before__lte": now})
    due = Delivery.objects.filter(
        open_now, rested, ~Exists(before), state=NoticeState.DUE, next_attempt_at__lte=now
    ).exclude(patience.out_of_turn(lookups))
    with transaction.atomic():
        locked = due.order_by("attempts", "pk").select_for_update(of=("self",), skip_locked=True)
        return _claimed(locked)


def claim(row: Delivery) -> Delivery | None:
    """This one now, whatever else is due. None: another process has it already."""
    with transaction.atomic():
        mine = Delivery.objects.filter(pk=row.pk, state=NoticeState.DUE, attempts=row.attempts)
        return _claimed(mine.select_for_update(of=("self",), skip_locked=True))


def _claimed(locked: QuerySet[Delivery]) -> Delivery | None:
    row = locked.select_related("webhook__project", "stream__client__project").first()
    if row is not None:
        row.attempts += 1
        row.next_attempt_at, row.tried_at = outboxes.next_try(row.attempts), clock.now()
        row.save(update_fields=["attempts", "next_attempt_at", "tried_at"])
    return row


def save(row: Delivery, sent: Sent, state: NoticeState) -> None:
    """Store the outcome of this try, unless a later one has stored its own."""
    mine = Delivery.objects.filter(pk=row.pk, state=NoticeState.DUE, attempts=row.attempts)
    mine.update(
        state=state,
        status=sent.status,
        problem=sent.problem[:300],
        delivered_at=clock.now() if state == NoticeState.DELIVERED else None,
        **({} if state == NoticeState.DUE else NOT_KEPT),
    )


def taken(recipient: Webhook | Stream) -> None:
    """It takes what it is sent: whatever went wrong before is over."""
    rows = type(recipient)._default_manager.filter(pk=recipient.pk, failures__gt=0)
    rows.update(failures=0, not_before=None)


def failed(recipient: Webhook | Stream, row: Delivery) -> bool:
    """Leave it alone for a while. Whether that has been so for a day."""
    now = clock.now()
    if recipient.not_before is None or recipient.not_before <= now:  # else another process failed there meanwhile
        recipient.failures += 1
        recipient.not_before = outboxes.next_try(recipient.failures)
        recipient.save(update_fields=["failures", "not_before"])
    return max(recipient.failures, row.attempts) >= MAX_TRIES
