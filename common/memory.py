"""A cache in the memory of one process, whose counters a flood of others cannot empty."""

from __future__ import annotations

import pickle
import time
from functools import partial

from django.core.cache.backends.locmem import LocMemCache


class Memory(LocMemCache):
    """Django's cache in memory. When it is full, what has expired goes first, and then what was counted least.

    Django's own drops what was used least recently. A flood of names that occur once would drop the counter of
    somebody's password, and whoever guesses at it could begin again.
    """

    _cache: dict[str, bytes]
    _expire_info: dict[str, float | None]
    _max_entries: int

    def _cull(self) -> None:
        now = time.time()
        for key in [key for key, end in self._expire_info.items() if end is not None and end <= now]:
            self._drop(key)
        enough = self._max_entries * 2 // 3
        if len(self._cache) > enough:
            for key in sorted(self._cache, key=partial(_weight, self._cache))[: len(self._cache) - enough]:
                self._drop(key)

    def _drop(self, key: str) -> None:
        del self._cache[key], self._expire_info[key]


def _weight(kept: dict[str, bytes], key: str) -> float:
    """What is no counter was kept on purpose."""
    value = pickle.loads(kept[key])  # noqa: S301 - pickled in this process
    return value if isinstance(value, int) and not isinstance(value, bool) else float("inf")
