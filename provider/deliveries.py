"""One run of everything that is told to apps: that people signed out, and what happened to people."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress

from django.db import IntegrityError

from clients.models.logout import NoticeState
from provider import logout_notices, outboxes
from provider.outboxes import Attempt as Attempt
from provider.outboxes import Outbox
from provider.patience import Patience
from provider.telling import spreading
from provider.telling.stream_outbox import Streams
from provider.telling.webhook_outbox import Webhooks

OUTCOMES = {
    NoticeState.DELIVERED: "told",
    NoticeState.DUE: "not told, will be tried again",
    NoticeState.GIVEN_UP: "not told, given up",
    NoticeState.DROPPED: "not told, dropped",
}
ANNOUNCED_EVERY = 1.0  # seconds, while others are being told


class _Announcing:
    """An outbox without rows, which fills the others: who is slow to answer holds up nobody else's news."""

    def __init__(self, should_stop: Callable[[], bool], counts: Counter[str]) -> None:
        self._should_stop, self._counts = should_stop, counts
        self._last = float("-inf")

    def next(self, patience: Patience) -> None:
        if (now := time.monotonic()) - self._last < ANNOUNCED_EVERY:
            return
        again, self._last = self._last > 0, now
        # A client was deleted in that moment: whatever is being sent is recorded first, and the next run goes on.
        with suppress(IntegrityError) if again else nullcontext():
            for write in (logout_notices.announce, spreading.spread):
                self._counts["announced"] += write(self._should_stop)


def deliver_all(should_stop: Callable[[], bool], tell: Callable[[Attempt], None]) -> Counter[str]:
    """Write and send what is due, until nothing is left. Returns how many came out how."""
    counts: Counter[str] = Counter(announced=0, delivered=0, failed=0, given_up=0, dropped=0)

    def report(attempt: Attempt) -> None:
        counts["failed" if attempt.state == NoticeState.DUE else attempt.state.value] += 1
        tell(attempt)

    boxes: list[Outbox] = [_Announcing(should_stop, counts), logout_notices.Notices(), Webhooks(), Streams()]
    outboxes.deliver(boxes, should_stop, report)
    return counts


def sentence(attempt: Attempt) -> str:
    problem = f": {attempt.problem}" if attempt.problem else ""
    return f"{attempt.client_id or 'a deleted client'}: {OUTCOMES[attempt.state]}{problem}"
