"""Sending what waits in outboxes: several at a time, nobody kept waiting by somebody who is dead.

An outbox says what is due and what became of it. Here is what all of them share: the places for requests under way, and
the patience with those who do not answer. A row is counted as tried and due again later before anything is sent, so a
process that is killed loses nothing; no other process takes it meanwhile.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from clients.models.logout import NoticeState
from common import clock
from provider.patience import PLACES, Patience, Waiting

logger = logging.getLogger(__name__)
# Tries of one message, about a day in all: after half a minute, then twice as long each time.
FIRST_WAIT = 30  # seconds; far longer than one try may take, so that it also guards a try that is under way
MAX_TRIES = 12
# A process that was held up for so long does not send any more: by then another one may have.
STALE = 10.0  # seconds, and with a try of `outbound.TOTAL_TIMEOUT` less than the shortest first wait
LOOKED_AGAIN_AFTER = 1.0  # seconds: what is due meanwhile waits for nobody who is slow


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of one message. With `state` `due` it will be tried again."""

    client_id: str  # or whoever else it is for
    state: NoticeState
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a request. No status: there was no answer."""

    status: int | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A row that is to be sent. Only `send` runs in another thread: it has neither the database nor the row."""

    row: Waiting
    send: Callable[[], Sent]
    record: Callable[[Sent], Attempt]


class Outbox(Protocol):
    def next(self, patience: Patience) -> Job | Attempt | None:
        """A row that is due, claimed; or the outcome of one that is not sent any more. None: nothing is due now."""


def wait_after(attempts: int, luck: float) -> float:
    """Seconds until the next try after so many; `luck` from 0 to 1 keeps apps that came back from being swamped."""
    return float(FIRST_WAIT * 2 ** (min(attempts, MAX_TRIES) - 1) * (0.75 + luck / 2))


def next_try(attempts: int) -> datetime:
    return clock.now() + timedelta(seconds=wait_after(attempts, random.random()))  # noqa: S311 - spreads load


def status_problem(status: int) -> str:
    more = " Redirects are not followed." if 300 <= status < 400 else ""
    return f"The app answered with status {status}.{more}"


class _Turn:
    """One outbox in one run. After an error of its own it is closed: the others go on."""

    def __init__(self, box: Outbox) -> None:
        self._box, self.patience = box, Patience()
        self.error: Exception | None = None

    def next(self) -> Job | Attempt | None:
        try:
            return self._box.next(self.patience)
        except Exception as error:  # the first one: it is raised when the run is over
            self.error = self.error or error
            return None

    def record(self, job: Job, sent: Future[Sent]) -> Attempt | None:
        """What became of a request. None: it cannot be recorded, and is tried again."""
        attempt = None
        try:
            attempt = job.record(sent.result())
        except Exception as error:
            self.error = self.error or error
        failed = attempt is None or attempt.state in (NoticeState.DUE, NoticeState.GIVEN_UP)
        self.patience.end(job.row, failed=failed)
        return attempt


def deliver(boxes: Sequence[Outbox], should_stop: Callable[[], bool], report: Callable[[Attempt], None]) -> None:
    """Send what is due, until none is left or `should_stop` says so. An error of one outbox is raised at the end.

    Only requests are made by other threads: this one has the database, and the transaction of its caller.
    """
    turns = [_Turn(box) for box in boxes]
    under_way: dict[Future[Sent], tuple[Job, _Turn]] = {}
    with ThreadPoolExecutor(PLACES, thread_name_prefix="delivery") as threads:
        while True:
            for job, turn in _due(turns, should_stop, report, lambda: len(under_way) < PLACES):
                turn.patience.begin(job.row)
                under_way[threads.submit(_in_time, job.send, time.monotonic())] = job, turn
            if not under_way:
                break
            for sent in wait(under_way, LOOKED_AGAIN_AFTER, FIRST_COMPLETED).done:
                job, turn = under_way.pop(sent)
                if attempt := turn.record(job, sent):
                    report(attempt)
    _raise([turn.error for turn in turns if turn.error is not None])


def _due(
    turns: Sequence[_Turn], should_stop: Callable[[], bool], report: Callable[[Attempt], None], room: Callable[[], bool]
) -> Iterator[tuple[Job, _Turn]]:
    """What can be sent now, from one outbox after the other, while there is room."""
    open_ones = [turn for turn in turns if turn.error is None]
    while open_ones:
        for turn in [*open_ones]:
            if not room() or should_stop():
                return
            job = turn.next()
            if job is None:
                open_ones.remove(turn)
            elif isinstance(job, Attempt):
                report(job)
            else:
                yield job, turn


def _raise(errors: Sequence[Exception]) -> None:
    """The first one; the log has those of another kind."""
    for error in errors[1:]:
        if type(error) is not type(errors[0]):
            logger.error("Another outbox failed as well.", exc_info=error)
    if errors:
        raise errors[0]


def _in_time(send: Callable[[], Sent], claimed_at: float) -> Sent:
    if time.monotonic() - claimed_at > STALE:
        return Sent(None, "This process was held up before it could send it.")
    return send()
