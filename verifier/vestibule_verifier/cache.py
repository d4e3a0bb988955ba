"""Answers kept for a short time: bounded in number, and never under the token itself."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from vestibule_verifier.claims import Claims


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said about a token; no claims: that it is not active."""

    claims: Claims | None


class AnswerCache:
    """At most `size` answers; the one that was not used for longest goes first."""

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = size, clock
        self._answers: OrderedDict[bytes, tuple[float, Answer]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, token: str) -> Answer | None:
        name = _digest(token)
        with self._lock:
            until, answer = self._answers.get(name, (0.0, None))
            if answer is None:
                return None
            if self._clock() >= until:
                del self._answers[name]
                return None
            self._answers.move_to_end(name)
            return answer

    def put(self, token: str, answer: Answer, seconds: float) -> None:
        """Keep it for so long."""
        name = _digest(token)
        with self._lock:
            self._answers[name] = (self._clock() + seconds, answer)
            self._answers.move_to_end(name)
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
