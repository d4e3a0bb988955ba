"""`manage.py deliverevents`: notify apps that people signed out. From a timer, or as a service."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError, CommandParser
from django.db import (
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
)

from clients.models.logout import NoticeState
from common.command import DatabaseCommand
from common.database_errors import advice, one_line
from common.sealing import Unreadable
from provider import logout_notices
from provider.logout_notices import Attempt
from provider.protocol.errors import TemporarilyUnavailable

OUTCOMES = {
    NoticeState.DELIVERED: "told",
    NoticeState.DUE: "not told, will be tried again",
    NoticeState.GIVEN_UP: "not told, given up",
    NoticeState.DROPPED: "not told, dropped",
}
DATABASE_TROUBLE = (OperationalError, InterfaceError, ProgrammingError, IntegrityError)
MAX_INTERVAL = 3600  # seconds between two runs
EXIT_FAILED = 2  # exit status: something was not delivered and will not be


class Command(DatabaseCommand):
    help = "Send logout tokens to the back-channel logout URIs of apps whose people signed out."

    def add_arguments(self, parser: CommandParser) -> None:
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--once", action="store_true", help="send what is due and end (the default)")
        mode.add_argument(
            "--interval", type=_seconds, metavar="SECONDS", help="send again every so many seconds, until SIGTERM"
        )
        parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print the answer")

    def handle(self, *, interval: float | None, format: str, **options: object) -> None:
        stop = threading.Event()
        with _stopping_on_signals(stop):
            if interval is None:
                self._once(stop, format)
            else:
                self._run_until_stopped(stop, interval, format)

    def _once(self, stop: threading.Event, output_format: str) -> None:
        try:
            counts = self._run(stop)
        except IntegrityError as error:
            raise CommandError(f"{_sentence(error)} Run it again.") from error
        except (TemporarilyUnavailable, Unreadable) as error:
            raise CommandError(str(error)) from error
        self._answer(counts, output_format)
        if counts["given_up"]:  # what only failed is tried again
            sys.exit(EXIT_FAILED)

    def _run_until_stopped(self, stop: threading.Event, interval: float, output_format: str) -> None:
        """Report what goes wrong and try again: a service does not end because a database restarts."""
        while not stop.is_set():
            try:
                close_old_connections()
                counts = self._run(stop)
            except DATABASE_TROUBLE as error:
                self.stderr.write(f"{_sentence(error)} Trying again.")
            except (TemporarilyUnavailable, Unreadable) as error:
                self.stderr.write(f"{error} Trying again.")
            else:
                if any(counts.values()):
                    self._answer(counts, output_format)
            stop.wait(interval)

    def _run(self, stop: threading.Event) -> Counter[str]:
        counts: Counter[str] = Counter(
            announced=logout_notices.announce(stop.is_set), delivered=0, failed=0, given_up=0, dropped=0
        )

        def report(attempt: Attempt) -> None:
            counts["failed" if attempt.state == NoticeState.DUE else attempt.state.value] += 1
            problem = f": {attempt.problem}" if attempt.problem else ""
            self.stderr.write(f"{attempt.client_id or 'a deleted client'}: {OUTCOMES[attempt.state]}{problem}")

        logout_notices.deliver(stop.is_set, report)
        return counts

    def _answer(self, counts: Counter[str], output_format: str) -> None:
        if output_format == "json":
            self.stdout.write(json.dumps(counts))
        else:
            self.stdout.write(", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items()))
        self.stdout.flush()


def _sentence(error: Error) -> str:
    if isinstance(error, IntegrityError):
        return f"A client was deleted in the moment when its notice was written: {one_line(error)}."
    return advice(error)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= MAX_INTERVAL:
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds above 0, {MAX_INTERVAL:,} at most, not {text!r}."
        )
    return value


@contextmanager
def _stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C end the command after the current delivery."""
    before = {one: signal.signal(one, lambda *_: stop.set()) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
