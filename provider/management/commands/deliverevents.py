"""`manage.py deliverevents`: tell apps that people signed out, and projects what happened to people.

From a timer, or as a service.
"""

from __future__ import annotations

import threading
from collections import Counter

from django.db import IntegrityError

from clients.models.logout import NoticeState
from common.database_errors import one_line
from common.sealing import Unreadable
from common.service import ServiceCommand
from provider import logout_notices, outboxes
from provider.outboxes import Attempt
from provider.protocol.errors import TemporarilyUnavailable
from provider.telling import spreading
from provider.telling.stream_outbox import Streams
from provider.telling.webhook_outbox import Webhooks

OUTCOMES = {
    NoticeState.DELIVERED: "told",
    NoticeState.DUE: "not told, will be tried again",
    NoticeState.GIVEN_UP: "not told, given up",
    NoticeState.DROPPED: "not told, dropped",
}


class Command(ServiceCommand):
    help = "Tell apps that people signed out, and the webhooks of projects what happened to people."
    passing = (IntegrityError, TemporarilyUnavailable, Unreadable)

    def sentence(self, error: Exception) -> str:
        if isinstance(error, IntegrityError):
            return f"A client was deleted in the moment when its notice was written: {one_line(error)}."
        return super().sentence(error)

    def run_once(self, stop: threading.Event) -> Counter[str]:
        announced = logout_notices.announce(stop.is_set) + spreading.spread(stop.is_set)
        counts: Counter[str] = Counter(announced=announced, delivered=0, failed=0, given_up=0, dropped=0)

        def report(attempt: Attempt) -> None:
            counts["failed" if attempt.state == NoticeState.DUE else attempt.state.value] += 1
            problem = f": {attempt.problem}" if attempt.problem else ""
            self.stderr.write(f"{attempt.client_id or 'a deleted client'}: {OUTCOMES[attempt.state]}{problem}")

        outboxes.deliver([logout_notices.Notices(), Webhooks(), Streams()], stop.is_set, report)
        return counts
