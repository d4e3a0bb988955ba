"""`manage.py deliverevents`: tell apps that people signed out, and projects what happened to people.

From a timer, or as a service.
"""

from __future__ import annotations

import threading
from collections import Counter

from django.db import IntegrityError

from common.database_errors import one_line
from common.sealing import Unreadable
from common.service import ServiceCommand
from provider.deliveries import deliver_all, sentence
from provider.outboxes import Attempt
from provider.protocol.errors import TemporarilyUnavailable


class Command(ServiceCommand):
    help = "Tell apps that people signed out, and the webhooks of projects what happened to people."
    passing = (IntegrityError, TemporarilyUnavailable, Unreadable)

    def sentence(self, error: Exception) -> str:
        if isinstance(error, IntegrityError):
            return f"A client was deleted in the moment when its notice was written: {one_line(error)}."
        return super().sentence(error)

    def run_once(self, stop: threading.Event) -> Counter[str]:
        def report(attempt: Attempt) -> None:
            self.stderr.write(sentence(attempt))

        return deliver_all(stop.is_set, report)
