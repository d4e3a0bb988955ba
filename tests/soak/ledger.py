"""What the clients of a soak were answered, and what follows from it.

Plain values and no clock of its own, so that its rules can be asked in a table. Every answer that a client received is
a promise: a token that it got works until it expires or is ended, and what was ended stays ended.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

BITES_WITHIN = 1.0  # seconds until a change holds on every node
GRACE = 30.0  # seconds for which the predecessor of a rotated refresh token gets the same successor


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `status` 0: no answer came."""

    flow: str
    began: float
    ended: float
    status: int
    failed: bool
    detail: str = ""
    node: str = ""

    def under_way(self, begin: float, end: float) -> bool:
        return self.began <= end and begin <= self.ended


class State(StrEnum):
    ALIVE = "alive"
    DOUBTFUL = "doubtful"  # its end was asked for, and nobody knows what became of that
    DEAD = "dead"


@dataclass(slots=True)
class Known:
    """A token that a client received, by its digest."""

    kind: str
    since: float
    until: float
    state: State = State.ALIVE
    dead_at: float = 0.0


class Fault(StrEnum):
    LOST = "lost"  # it was received, and is unknown
    REVIVED = "revived"  # it was ended, and works again
    UNVERIFIED = "unverified"  # its signature is of no key that was published when it was made


@dataclass(frozen=True, slots=True)
class Found:
    fault: Fault
    at: float
    detail: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A node that did not know yet what was acknowledged so many seconds ago."""

    at: float
    seconds: float
    detail: str


@dataclass
class Ledger:
    asked: list[Asked] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)
    emptied: float = float("-inf")  # when everything ended
    cut: list[float] = field(default_factory=list)  # authorizations that ended because an answer was lost for too long
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def fault(self, fault: Fault, at: float, detail: str) -> None:
        with self._lock:
            self.found.append(Found(fault, at, detail))

    def cut_off(self, at: float) -> None:
        with self._lock:
            self.cut.append(at)

    # --- Tokens ---------------------------------------------------------------------------------------------------

    def received(self, token: str, kind: str, at: float, lifetime: float) -> None:
        with self._lock:
            self.known.setdefault(digest(token), Known(kind, at, at + lifetime))

    def ending(self, token: str) -> None:
        """Before its end is asked for: until the answer is here nobody knows."""
        with self._lock:
            if known := self.known.get(digest(token)):
                known.state = State.DOUBTFUL

    def ended(self, token: str, at: float) -> None:
        """Its end was acknowledged."""
        with self._lock:
            if known := self.known.get(digest(token)):
                known.state, known.dead_at = State.DEAD, at

    def everything_ended(self, at: float) -> None:
        with self._lock:
            self.emptied = at
            for known in self.known.values():
                if known.state != State.DEAD:
                    known.state, known.dead_at = State.DEAD, at

    def said(self, token: str, works: bool, began: float, ended: float, where: str) -> None:
        """A node said whether a token works."""
        with self._lock:
            known = self.known.get(digest(token))
            if known is None or ended > known.until or known.state == State.DOUBTFUL:
                return
            what = f"{known.kind} of {began - known.since:.1f} s ago, {where}"
            if known.state == State.ALIVE and not works and began >= known.since:
                self.found.append(Found(Fault.LOST, ended, what))
                known.state = State.DOUBTFUL  # once is enough
            elif known.state == State.DEAD and works and began > known.dead_at:
                self.stale.append(Stale(ended, began - known.dead_at, what))
                if began > known.dead_at + BITES_WITHIN:
                    self.found.append(Found(Fault.REVIVED, ended, what))

    # --- What came of a while -------------------------------------------------------------------------------------

    def between(self, begin: float, end: float) -> list[Asked]:
        """Requests that began in this while."""
        with self._lock:
            return [one for one in self.asked if begin <= one.began < end]

    def count(self, fault: Fault, begin: float, end: float) -> int:
        with self._lock:
            return sum(one.fault == fault and begin <= one.at < end for one in self.found)

    def stalest(self, begin: float, end: float) -> float:
        """In seconds."""
        with self._lock:
            return max((one.seconds for one in self.stale if begin <= one.at < end), default=0.0)


@dataclass
class Chain:
    """The refresh tokens of one authorization, each the successor of the one before."""

    token: str
    since: float = 0.0
    doubt: float | None = None  # since when an answer about this token is missing
    used: list[tuple[str, float]] = field(default_factory=list)  # with the moment its successor was received
    access: list[str] = field(default_factory=list)  # tokens that end with the authorization

    def unanswered(self, began: float) -> None:
        if self.doubt is None:
            self.doubt = began

    def succeeded(self, successor: str, at: float) -> None:
        if successor != self.token:
            self.used.append((self.token, at))
        self.token, self.doubt = successor, None

    def refused(self, at: float) -> Fault | None:
        """What it means that the current one is refused.

        It may have been rotated by a request whose answer was lost. Its holder has half a minute to ask again; who
        comes later passes for a thief, and the authorization ends.
        """
        return None if self.doubt is not None and at > self.doubt + GRACE else Fault.LOST

    def old(self, now: float) -> str | None:
        """A predecessor that must be worth nothing by now."""
        return next((token for token, at in self.used if now > at + GRACE + BITES_WITHIN), None)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def calm_since(asked: Iterable[Asked]) -> float | None:
    """When the last failure ended; None when nothing failed."""
    return max((one.ended for one in asked if one.failed), default=None)
