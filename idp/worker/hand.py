"""One job of the worker in a thread of its own: again and again, whatever goes wrong in it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from django.core.management.base import CommandError
from django.db import Error, IntegrityError, close_old_connections, connection

from common import clock, leases, timers
from common.command import learn_the_time, whoever_runs_this
from common.database_errors import advice, is_for_the_operator, one_line
from common.sealing import Unreadable
from idp.worker.jobs import Job, Said, Turn, is_due
from provider.clearing import Stopped
from provider.protocol.errors import TemporarilyUnavailable

logger = logging.getLogger("vestibule.worker")
LEASE = timedelta(minutes=2)
RENEWED_EVERY = 30.0  # seconds
LONGEST_RUN = 60.0  # seconds of a job that every worker does: then it is on record, and goes on at once
LONGEST_PAUSE = 60.0  # after trouble
PATIENCE = 300.0  # seconds without a step: whatever it waits for, it waits for too long
KEPT_FOR = 10.0  # seconds: a connection that is not used for longer is closed
FAILURES = ("failed", "given_up")
SUCCESSES = ("sent", "delivered", "announced", "dropped")


class Hand:
    def __init__(self, job: Job, holder: str, stop: threading.Event) -> None:
        self.job, self._holder, self._stop = job, holder, stop
        self._busy_since: float | None = None  # on the clock that only counts; None: it pauses
        self._renewed_at = 0.0
        self._lost = False  # the lease: another worker took it, for this one stood still
        self._troubles, self._trouble = 0, ""  # how often in a row, and what was said of it
        self._ran = self._failed_in_run = False  # in this turn; in the last one that failed
        self.said: Said | None = None  # by the last turn; None: it was not due, or failed
        self.thread = threading.Thread(target=self._work, name=job.name, daemon=True)

    @property
    def trouble(self) -> str:
        """What went wrong in the last turn, or an empty text."""
        return self._trouble

    def stuck(self) -> bool:
        since = self._busy_since
        return since is not None and time.monotonic() - since > PATIENCE

    def _work(self) -> None:
        while not self._stop.is_set():
            pause = self.turn()
            if pause > KEPT_FOR:
                _close()
            self._stop.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - workers need not look in the same moment
        _close()

    def turn(self) -> float:
        """Look whether it is due, and do it. Seconds until the next look."""
        self._busy_since, self._ran, self.said = time.monotonic(), False, None
        try:
            _drop_broken_connections()
            learn_the_time()  # again: a clock that was wrong at the start may be set meanwhile
            self.said = self._run() if is_due(self.job) else None
        except Stopped:
            return self.job.pause
        except Exception as error:  # a mistake of ours, too: the other jobs go on, and so does this one
            return self._failed(error)
        finally:
            self._busy_since = None
        return self._went_well(self.said)

    def _run(self) -> Said | None:
        if not self.job.shared:
            return self._recorded()
        if not leases.take(self.job.name, self._holder, LEASE):
            return None
        self._renewed_at, self._lost = time.monotonic(), False
        try:
            return self._recorded() if is_due(self.job) else None  # another one did it a moment ago
        finally:
            with suppress(Error):  # it runs out by itself
                leases.give_back(self.job.name, self._holder)

    def _recorded(self) -> Said:
        began_at, began, self._ran = clock.now(), time.monotonic(), True

        def should_stop() -> bool:
            self._busy_since = time.monotonic()
            over = not self.job.shared and time.monotonic() - began > LONGEST_RUN
            return over or self._should_stop()

        said = self.job.run(Turn(should_stop, self._tell))
        if self.job.on_record:
            given_up, often = bool(said.get("given_up")), not self.job.shared
            timers.record(self.job.name, began_at, said, whoever_runs_this(), failed=given_up, often=often)
        return said

    def _should_stop(self) -> bool:
        if self._stop.is_set():
            return True
        if self.job.shared and time.monotonic() - self._renewed_at > RENEWED_EVERY:
            self._renewed_at = time.monotonic()
            self._lost = not leases.take(self.job.name, self._holder, LEASE)
        return self._lost

    def _tell(self, sentence: str) -> None:
        logger.warning("%s: %s", self.job.name, sentence)

    def _went_well(self, said: Said | None) -> float:
        if said is None and self._failed_in_run:
            return self.job.pause  # it is not due yet: nothing shows that it works
        if self._trouble:
            logger.info("%s: it works again.", self.job.name)
        self._trouble, self._failed_in_run = "", False
        if said is None:
            return self.job.pause
        if self.job.shared or any(said.get(name) for name in (*FAILURES, *SUCCESSES)):
            told = {name: value for name, value in said.items() if value or self.job.shared}
            logger.info("%s: %s", self.job.name, ", ".join(f"{name} {value}" for name, value in told.items()))
        if _nothing_came_of(said):  # the mail server is away, say
            self._troubles += 1
            return self._pause_after_trouble()
        self._troubles = 0
        return self.job.pause

    def _failed(self, error: Exception) -> float:
        self._troubles += 1
        self._failed_in_run = self._ran
        sentence = _sentence(error)
        if sentence != self._trouble:
            self._trouble = sentence
            logger.error("%s: %s Trying again.", self.job.name, sentence, exc_info=not _explained(error))
        with suppress(Error):  # the database may be what failed
            timers.record(self.job.name, clock.now(), {"error": sentence[:500]}, whoever_runs_this(), failed=True)
        _close()
        return self._pause_after_trouble()

    def _pause_after_trouble(self) -> float:
        return max(self.job.pause, min(2.0 ** min(self._troubles, 10), LONGEST_PAUSE))


def _nothing_came_of(said: Mapping[str, object]) -> bool:
    return any(said.get(name) for name in FAILURES) and not any(said.get(name) for name in SUCCESSES)


def _drop_broken_connections() -> None:
    if not connection.in_atomic_block:
        close_old_connections()


def _close() -> None:
    if not connection.in_atomic_block:
        connection.close()


def _sentence(error: Exception) -> str:
    if isinstance(error, IntegrityError):
        return f"A row went in the moment when another was written for it: {one_line(error)}."
    if isinstance(error, Error) and is_for_the_operator(error):
        return advice(error)
    return str(error) if _explained(error) else f"{type(error).__name__}: this is a fault of Vestibule's."


def _explained(error: Exception) -> bool:
    """Whether its text, or what we say instead, tells what to do. Else where it happened is all there is to know."""
    if isinstance(error, Error):
        return isinstance(error, IntegrityError) or is_for_the_operator(error)
    return isinstance(error, (CommandError, Unreadable, TemporarilyUnavailable))
