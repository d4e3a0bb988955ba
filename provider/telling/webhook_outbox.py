"""The outbox of webhooks: what is due, sending it, and what becomes of a webhook that takes nothing for a day."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from clients import webhooks
from clients.models import Delivery, Webhook
from clients.models.logout import NoticeState
from common import clock, outbound, sealing
from provider.outboxes import MAX_TRIES, Attempt, Job, Sent, status_problem
from provider.patience import Lookups, Patience
from provider.telling import giving_up, lanes, signatures

WEBHOOKS = Lookups("webhook", "webhook__project", "webhook__url")
GONE = 410  # Standard Webhooks: whoever says so wants nothing any more


class Webhooks:
    def next(self, patience: Patience) -> Job | Attempt | None:
        row = lanes.claim_next(patience, WEBHOOKS, Q(webhook__enabled=True))
        return _job(row) if row is not None else None


def send_now(row: Delivery) -> Attempt | None:
    """What waits for its turn, by whoever asks for it. None: another process is sending it."""
    claimed = lanes.claim(row)
    job = _job(claimed) if claimed is not None else None
    return job.record(job.send()) if isinstance(job, Job) else job


def _job(row: Delivery) -> Job | Attempt | None:
    if row.webhook is None:
        return None
    if row.attempts > MAX_TRIES:  # the last one was interrupted
        return _failed(row, Sent(None, row.problem or "The tries were interrupted."))
    try:
        url, sent, headers = _request(row, row.webhook)
    except sealing.Unreadable as error:  # perhaps only by this process: its secrets may be older than the servers'
        return _failed(row, Sent(None, str(error)))
    return Job(row, lambda: _post(url, sent, headers), lambda answer: _record(row, answer))


def _request(row: Delivery, webhook: Webhook) -> tuple[str, bytes, dict[str, str]]:
    data = {**row.data, **({"sub": row.sub} if row.sub else {})}
    sent = signatures.body(row.kind, row.happened_at, data)
    keys = [webhooks.key_of(one) for one in webhooks.secrets_of(webhook)]
    return webhook.url, sent, signatures.headers(str(row.message_id), clock.seconds(), sent, keys)


def _post(url: str, sent: bytes, headers: dict[str, str]) -> Sent:
    """No problem, when it was taken: any 2xx. What else the answer says is not read."""
    try:
        status, _body = outbound.post(url, sent, headers)
    except outbound.Unreachable as error:
        return Sent(None, str(error))
    return Sent(status, "" if 200 <= status < 300 else status_problem(status))


def _record(row: Delivery, sent: Sent) -> Attempt:
    if sent.problem or row.webhook is None:
        return _failed(row, sent)
    with transaction.atomic():
        lanes.save(row, sent, NoticeState.DELIVERED)
        lanes.taken(row.webhook)
    return Attempt(_name(row), NoticeState.DELIVERED)


def _failed(row: Delivery, sent: Sent) -> Attempt:
    """It stays due, and nothing else is sent there for a while. After a day of that the webhook is disabled."""
    with transaction.atomic():
        lanes.save(row, sent, NoticeState.DUE)
        locked = Webhook.objects.select_for_update(of=("self",)).select_related("project")
        webhook = locked.filter(deliveries=row).first()
        if webhook is not None and (lanes.failed(webhook, row) or sent.status == GONE):
            giving_up.disable(webhook, sent.problem)
            return Attempt(_name(row), NoticeState.GIVEN_UP, sent.problem)
    return Attempt(_name(row), NoticeState.DUE, sent.problem)


def _name(row: Delivery) -> str:
    return f"webhook {row.webhook_id}"
