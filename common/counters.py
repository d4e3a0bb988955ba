"""Counters of failures, and what was used once, in the cache alias `counters`.

They have a cache of their own, so that nothing else fills it. While a shared one does not answer, each process counts
for itself: people and clients go on, and guesses stay limited. Names are kept as digests only.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.core.cache import BaseCache, caches

from common.memory import Memory

logger = logging.getLogger(__name__)
ALIAS = "counters"
MAX_ENTRIES = 100_000  # while the cache is away
AWAY_SECONDS = 1.0  # for which a cache that failed is not asked again
Result = TypeVar("Result")

_local = Memory("counters-while-the-cache-is-away", {"OPTIONS": {"MAX_ENTRIES": MAX_ENTRIES}})
_away_until = 0.0


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures within so many seconds of the first one."""

    name: str
    amount: int
    seconds: int


def is_reached(limit: Limit, *who: str) -> bool:
    """Whether as many failures were counted as there may be."""
    number: int = ask(lambda cache: cache.get(key_of(limit.name, *who), 0))
    return number >= limit.amount


def count(limit: Limit, *who: str) -> int:
    """Count one more, and return how many there are now."""
    key = key_of(limit.name, *who)

    def add(cache: BaseCache) -> int:
        if cache.add(key, 1, limit.seconds):
            return 1
        try:
            number = int(cache.incr(key))
        except ValueError:  # it expired between the two calls
            number = 1
        if number == 1:  # Redis has made it anew, and without an end
            cache.set(key, 1, limit.seconds)
        return number

    return ask(add)


def take_back(limit: Limit, *who: str) -> None:
    """It was no failure after all: what was counted before it was known."""

    key = key_of(limit.name, *who)

    def subtract(cache: BaseCache) -> None:
        try:
            if cache.decr(key) < 1:
                cache.delete(key)
        except ValueError:
            pass  # it expired meanwhile

    ask(subtract)


def clear(limit: Limit, *who: str) -> bool:
    """Begin at nothing again. False when nothing was counted."""
    return bool(ask(lambda cache: cache.delete(key_of(limit.name, *who))))


def is_first_use(name: str, seconds: int, *what: str) -> bool:
    """Whether this was not used before, within so many seconds."""
    return bool(ask(lambda cache: cache.add(key_of(name, *what), "used", seconds)))


def key_of(name: str, *parts: str) -> str:
    """A cache key has a limited length and alphabet. What was sent has neither, and nobody should read it there."""
    return f"{name}:" + hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def shared() -> BaseCache:
    """The cache that all processes count in, where there is one."""
    return caches[ALIAS]


def answers() -> bool:
    """Whether that cache can be asked now."""

    def asked(cache: BaseCache) -> bool:
        cache.get(ALIAS)
        return cache is not _local

    return ask(asked)


def ask(do: Callable[[BaseCache], Result]) -> Result:
    """What the cache of counters says; this process's own while that one is away."""
    global _away_until
    if time.monotonic() >= _away_until:
        try:
            return do(shared())
        except Exception as error:
            logger.error("The cache of counters does not answer: this process counts for itself. It said: %s", error)
            _away_until = time.monotonic() + AWAY_SECONDS  # from now: it may have failed slowly
    return do(_local)
