"""What `check --deploy` cannot see: whether what we need is there, answers, and fits. Each check has a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, Queue

from django.db import Error, connection

from common.database_errors import advice

OK, WARNING, FAILED = "ok", "warning", "failed"
SECONDS = 15.0  # for each check


@dataclass(frozen=True, slots=True)
class Finding:
    state: str
    said: str
    remedy: str = ""


Check = Callable[[], Iterable[Finding]]


def ok(said: str) -> Finding:
    return Finding(OK, said)


def warning(said: str, remedy: str) -> Finding:
    return Finding(WARNING, said, remedy)


def failed(said: str, remedy: str) -> Finding:
    return Finding(FAILED, said, remedy)


def found_by(check: Check) -> list[Finding]:
    """What a check finds, or that it could not: nothing that goes wrong in one ends the others."""
    try:
        return list(check())
    except Error as error:
        return [failed(advice(error), "The other checks that need the database fail, too.")]
    except Exception as error:
        return [failed(f"This could not be looked at ({type(error).__name__}).", "Read the log of this command.")]


def within(seconds: float, check: Check) -> list[Finding]:
    """The same, in a thread that nobody waits for when it takes too long."""
    answer: Queue[list[Finding]] = Queue()

    def run() -> None:
        try:
            answer.put(found_by(check))
        finally:
            connection.close()  # that of this thread

    threading.Thread(target=run, daemon=True).start()
    try:
        return answer.get(timeout=seconds)
    except Empty:
        return [failed(f"No answer within {seconds:g} seconds.", "Find out what it waits for: network, locks, names.")]


def examine(checks: dict[str, Check], seconds: float = SECONDS) -> Iterator[tuple[str, Finding]]:
    for name, check in checks.items():
        for one in within(seconds, check):
            yield name, one
