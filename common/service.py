"""The base of commands that send what waits in an outbox: from a timer, or as a service."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from django.core.management.base import CommandError, CommandParser
from django.db import Error, IntegrityError, close_old_connections

from common import clock
from common.command import NO, DatabaseCommand, learn_the_time
from common.command_output import encoded
from common.database_errors import DATABASE_TROUBLE, advice

MAX_INTERVAL = 3600  # seconds between two runs


class ServiceCommand(DatabaseCommand):
    """A run delivers what is due and counts what became of it. Trouble of `passing` may be over in the next run."""

    timer = True
    passing: tuple[type[Exception], ...] = ()

    def run_once(self, stop: threading.Event) -> Counter[str]:
        raise NotImplementedError

    def sentence(self, error: Exception) -> str:
        return advice(error) if isinstance(error, Error) else str(error)

    def add_arguments(self, parser: CommandParser) -> None:
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--once", action="store_true", help="send what is due and end (the default)")
        mode.add_argument(
            "--interval", type=_seconds, metavar="SECONDS", help="send again every so many seconds, until SIGTERM"
        )
        super().add_arguments(parser)

    def handle(self, *, interval: float | None, format: str, **options: object) -> None:
        stop = threading.Event()
        with stopping_on_signals(stop):
            if interval is None:
                self._once(stop, format)
            else:
                self._run_until_stopped(stop, interval, format)

    def _once(self, stop: threading.Event, output_format: str) -> None:
        try:
            counts = self.run_once(stop)
        except self.passing as error:
            again = " Run it again." if isinstance(error, IntegrityError) else ""
            raise CommandError(f"{self.sentence(error)}{again}") from error
        self._answer(counts, output_format)
        self.ran(counts, failed=bool(counts["given_up"]))
        if counts["given_up"]:  # what only failed is tried again
            sys.exit(NO)

    def _run_until_stopped(self, stop: threading.Event, interval: float, output_format: str) -> None:
        """Report what goes wrong and try again: a service does not end because a database restarts."""
        trouble: tuple[type[Exception], ...] = (*DATABASE_TROUBLE, *self.passing)
        while not stop.is_set():
            try:
                close_old_connections()
                learn_the_time()  # again: a clock that was wrong at the start may be set meanwhile
                self._began_at = clock.now()
                counts = self.run_once(stop)
                self.ran(counts, failed=bool(counts["given_up"]), often=True)
            except trouble as error:
                self.stderr.write(f"{self.sentence(error)} Trying again.")
            else:
                if any(counts.values()):
                    self._answer(counts, output_format)
            stop.wait(interval)

    def _answer(self, counts: Counter[str], output_format: str) -> None:
        if output_format == "json":
            self.stdout.write(encoded(counts))  # a line for each run of a service
        else:
            self.stdout.write(", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items()))
        self.stdout.flush()


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
def stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C end the command after the current delivery.

    Python runs a handler in the main thread between any two steps, so also while that thread holds the lock of `stop`,
    for which the handler would wait for ever. A SimpleQueue has no such lock; another thread passes the word on.
    """
    asked: SimpleQueue[bool] = SimpleQueue()
    before = {one: signal.signal(one, lambda *_: asked.put(True)) for one in (signal.SIGTERM, signal.SIGINT)}

    def pass_on() -> None:
        if asked.get():
            stop.set()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        asked.put(False)
