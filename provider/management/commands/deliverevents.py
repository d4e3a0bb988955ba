"""`manage.py deliverevents`: notify apps that people signed out. From a timer, or as a service."""

from __future__ import annotations

import threading
from collections import Counter

from django.db import IntegrityError

from clients.models.logout import NoticeState
from common.database_errors import one_line
from common.sealing import Unreadable
from common.service import ServiceCommand
from provider import logout_notices
from provider.logout_notices import Attempt
from provider.protocol.errors import TemporarilyUnavailable

OUTCOMES = {
    NoticeState.DELIVERED: "told",
    NoticeState.DUE: "not told, will be tried again",
    NoticeState.GIVEN_UP: "not told, given up",
    NoticeState.DROPPED: "not told, dropped",
}


class Command(ServiceCommand):
    help = "Send logout tokens to the back-channel logout URIs of apps whose people signed out."
    passing = (IntegrityError, TemporarilyUnavailable, Unreadable)

    def sentence(self, error: Exception) -> str:
        if isinstance(error, IntegrityError):
            return f"A client was deleted in the moment when its notice was written: {one_line(error)}."
        return super().sentence(error)

    def run_once(self, stop: threading.Event) -> Counter[str]:
        counts: Counter[str] = Counter(
            announced=logout_notices.announce(stop.is_set), delivered=0, failed=0, given_up=0, dropped=0
        )

        def report(attempt: Attempt) -> None:
            counts["failed" if attempt.state == NoticeState.DUE else attempt.state.value] += 1
            problem = f": {attempt.problem}" if attempt.problem else ""
            self.stderr.write(f"{attempt.client_id or 'a deleted client'}: {OUTCOMES[attempt.state]}{problem}")

        logout_notices.deliver(stop.is_set, report)
        return counts
