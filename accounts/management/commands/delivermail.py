"""`manage.py delivermail`: send the mails that wait in the outbox. From a timer, or as a service."""

from __future__ import annotations

import threading
from collections import Counter

from accounts import outbox
from accounts.outbox import Attempt, State
from common.service import ServiceCommand

OUTCOMES = {State.FAILED: "will be tried again", State.GIVEN_UP: "given up"}


class Command(ServiceCommand):
    help = "Send the mails that wait in the outbox."

    def run_once(self, stop: threading.Event) -> Counter[str]:
        counts: Counter[str] = Counter(sent=0, failed=0, given_up=0)

        def report(attempt: Attempt) -> None:
            counts[attempt.state.value] += 1
            if attempt.state in OUTCOMES:
                self.stderr.write(f"A mail was not sent, {OUTCOMES[attempt.state]}: {attempt.problem}")

        outbox.deliver(stop.is_set, report)
        return counts
