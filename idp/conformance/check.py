"""A row of the table, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from idp.conformance.run import Run


@dataclass(frozen=True, slots=True)
class Check:
    """A row: what the Foundation calls it (or which of our rules it is), where that stands, and how it is found out.

    `sees`: sends requests and raises Wrong or NotApplicable. One that is a generator goes on, where it yields, once
    the time has passed in which an app may repeat a request whose answer it lost.
    """

    name: str
    section: str  # of the specification
    says: str  # what is sent, and what has to come
    sees: Callable[[Run], None] | Callable[[Run], Iterator[None]]

    @property
    def group(self) -> str:
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Verdict:
    check: Check
    state: str
    got: str = ""  # what came instead, or why it was not looked at
