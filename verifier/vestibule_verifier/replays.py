"""What was shown once: in the memory of this process, unless the API has a store that its processes share."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

WINDOW = 150  # seconds of one nonce; the one before it is good too


class Replays(Protocol):
    """A store of what was used. An API of several processes gives one that they share, such as a table or Redis."""

    def first_use(self, name: str, seconds: float) -> bool:
        """Whether this name was not used before; from now on it is, for so long. Raises Unavailable if it is away."""


class ReplayMemory:
    """In this process: at most `size` names. When it is full of names that still count, nothing more is accepted."""

    def __init__(self, size: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = size, clock
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def first_use(self, name: str, seconds: float) -> bool:
        key, now = hashlib.sha256(name.encode(errors="surrogatepass")).digest(), self._clock()
        with self._lock:
            if self._until.get(key, now) > now:
                return False
            while self._until and next(iter(self._until.values())) <= now:
                self._until.popitem(last=False)
            if len(self._until) >= self._size:
                return False
            self._until[key] = now + seconds
            self._until.move_to_end(key)
            return True


class Nonces:
    """Nonces that any process with this secret makes and checks; nothing of them is kept."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        if len(secret) < 32:
            raise ValueError("Give a secret of at least 32 random characters.")
        self._secret, self._clock = secret.encode(), clock

    def fresh(self) -> str:
        return self._of(self._window())

    def knows(self, nonce: str) -> bool:
        """Of this window, the one before, or the next, where another process may be already."""
        near = (self._window() + step for step in (0, -1, 1))
        return nonce.isascii() and any(hmac.compare_digest(self._of(window), nonce) for window in near)

    def _window(self) -> int:
        return int(self._clock() // WINDOW)

    def _of(self, window: int) -> str:
        return hmac.digest(self._secret, f"DPoP nonce {window}".encode(), "sha256").hex()
