"""The outbox of webhooks: what is due, sending it, and what becomes of a webhook that takes nothing for a day."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from clients import webhooks
from clients.models import Delivery, Webhook
from clients.models.logout import NoticeState
from common import clock, outbound, sealing
from provider import outboxes
from provider.outboxes import MAX_TRIES, Attempt, Job, Sent, status_problem
from provider.patience import Lookups, Patience
from provider.telling import giving_up, signatures

WEBHOOKS = Lookups("webhook", "webhook__project", "webhook__url")
GONE = 410  # Standard Webhooks: whoever says so wants nothing any more


class Webhooks:
    def next(self, patience: Patience) -> Job | Attempt | None:
        row = _claim_next(patience)
        if row is None:
            return None
        if row.attempts > MAX_TRIES:  # the last one was interrupted
            return _failed(row, Sent(None, row.problem or "The tries were interrupted."))
        try:
            url, sent, headers = _request(row)
        except sealing.Unreadable as error:  # perhaps only by this process: its secrets may be older than the servers'
            return _failed(row, Sent(None, str(error)))
        return Job(row, lambda: _post(url, sent, headers), lambda answer: _record(row, answer))


def _claim_next(patience: Patience) -> Delivery | None:
    """A delivery that is due and the first of its person, counted as tried and due again later."""
    now = clock.now()
    before = Delivery.objects.filter(
        webhook=OuterRef("webhook"), sub=OuterRef("sub"), state=NoticeState.DUE, pk__lt=OuterRef("pk")
    )
    open_now = Q(webhook__not_before__isnull=True) | Q(webhook__not_before__lte=now)
    due = Delivery.objects.filter(
        open_now, ~Exists(before), state=NoticeState.DUE, next_attempt_at__lte=now, webhook__enabled=True
    ).exclude(patience.out_of_turn(WEBHOOKS))
    with transaction.atomic():
        locked = due.order_by("attempts", "pk").select_for_update(of=("self",), skip_locked=True)
        row = locked.select_related("webhook__project").first()
        if row is not None:
            row.attempts += 1
            row.next_attempt_at, row.tried_at = outboxes.next_try(row.attempts), now
            row.save(update_fields=["attempts", "next_attempt_at", "tried_at"])
    return row


def _request(row: Delivery) -> tuple[str, bytes, dict[str, str]]:
    data = {**row.data, **({"sub": row.sub} if row.sub else {})}
    sent = signatures.body(row.kind, row.happened_at, data)
    keys = [webhooks.key_of(one) for one in webhooks.secrets_of(row.webhook)]
    return row.webhook.url, sent, signatures.headers(str(row.message_id), clock.seconds(), sent, keys)


def _post(url: str, sent: bytes, headers: dict[str, str]) -> Sent:
    """No problem, when it was taken: any 2xx. What else the answer says is not read."""
    try:
        status, _body = outbound.post(url, sent, headers)
    except outbound.Unreachable as error:
        return Sent(None, str(error))
    return Sent(status, "" if 200 <= status < 300 else status_problem(status))


def _record(row: Delivery, sent: Sent) -> Attempt:
    if sent.problem:
        return _failed(row, sent)
    with transaction.atomic():
        _save(row, sent, NoticeState.DELIVERED)
        Webhook.objects.filter(pk=row.webhook_id, failures__gt=0).update(failures=0, not_before=None)
    return Attempt(_name(row), NoticeState.DELIVERED)


def _failed(row: Delivery, sent: Sent) -> Attempt:
    """It stays due, and nothing else is sent there for a while. After a day of that the webhook is disabled."""
    with transaction.atomic():
        _save(row, sent, NoticeState.DUE)
        webhook = Webhook.objects.select_for_update(of=("self",)).select_related("project").get(pk=row.webhook_id)
        now = clock.now()
        if webhook.not_before is None or webhook.not_before <= now:  # else another process failed there meanwhile
            webhook.failures += 1
            webhook.not_before = outboxes.next_try(webhook.failures)
            webhook.save(update_fields=["failures", "not_before"])
        gone = sent.status == GONE
        if gone or max(webhook.failures, row.attempts) >= MAX_TRIES:
            giving_up.disable(webhook, sent.problem)
            return Attempt(_name(row), NoticeState.GIVEN_UP, sent.problem)
    return Attempt(_name(row), NoticeState.DUE, sent.problem)


def _name(row: Delivery) -> str:
    return f"webhook {row.webhook_id}"


def _save(row: Delivery, sent: Sent, state: NoticeState) -> None:
    """Store the outcome of this try, unless a later one has stored its own."""
    mine = Delivery.objects.filter(pk=row.pk, state=NoticeState.DUE, attempts=row.attempts)
    mine.update(
        state=state,
        status=sent.status,
        problem=sent.problem[:300],
        delivered_at=clock.now() if state == NoticeState.DELIVERED else None,
    )
