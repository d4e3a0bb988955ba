"""Slow hashes take turns: a few at once in a process. Others wait for a moment and are then told to come back.

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
RETRY_AFTER = 5  # seconds


class Busy(Exception):
    """Too many slow hashes run already."""

    retry_after = RETRY_AFTER


_mine = threading.local()


@cache
def _turns() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.IDP_SLOW_HASHES)


@contextmanager
def turn() -> Iterator[None]:
    """Hold one of the turns. A thread that has one already keeps it. Raises Busy."""
    if getattr(_mine, "taken", False):
        yield
        return
    turns = _turns()
    if not turns.acquire(timeout=MAX_WAIT):
        raise Busy("Too many slow hashes run already.")
    _mine.taken = True
    try:
        yield
    finally:
        _mine.taken = False
        turns.release()
