"""Several threads do the same thing at the same moment, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

from tests.races.conftest import ROUNDS

__all__ = ["ROUNDS", "THREADS", "race"]

THREADS = 8
Result = TypeVar("Result")


def race(work: Callable[[int], Result], runners: int = THREADS) -> list[Result]:
    """What each of them got. A failure of any is a failure of the race."""
    start = threading.Barrier(runners)

    def run(number: int) -> Result:
        start.wait(timeout=30)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(runners) as pool:
        return list(pool.map(run, range(runners)))
