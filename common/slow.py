"""Slow hashes take turns: a few at once in a process. A few others wait for a moment. The rest is told to come back.

A slow hash takes memory and a processor for as long as it runs, and whoever sends a password or a secret starts one.
Without turns a few dozen requests would take the memory of the machine, and the time of everybody else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings

MAX_WAIT = 2.0  # seconds for which a thread waits for its turn
WAITING_PER_TURN = 2  # threads; what needs no slow hash gets the others
RETRY_AFTER = 5  # seconds


class Busy(Exception):
    """Too many slow hashes run already."""

    retry_after = RETRY_AFTER


_mine = threading.local()


@cache
def _turns() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.IDP_SLOW_HASHES)


@cache
def _places() -> threading.BoundedSemaphore:
    """For those who have a turn and those who wait for one."""
    return threading.BoundedSemaphore(settings.IDP_SLOW_HASHES * (1 + WAITING_PER_TURN))


@contextmanager
def turn() -> Iterator[None]:
    """Hold one of the turns. A thread that has one already keeps it. Raises Busy."""
    if getattr(_mine, "taken", False):
        yield
        return
    with _held(_places(), timeout=0), _held(_turns(), timeout=MAX_WAIT):
        _mine.taken = True
        try:
            yield
        finally:
            _mine.taken = False


@contextmanager
def _held(semaphore: threading.BoundedSemaphore, timeout: float) -> Iterator[None]:
    if not semaphore.acquire(timeout=timeout):
        raise Busy("Too many slow hashes run already.")
    try:
        yield
    finally:
        semaphore.release()
