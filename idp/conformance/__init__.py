"""Whether a running installation does what the specifications and our rules of safety say, seen over HTTP alone.

`manage.py doctor --conformance` makes a project, apps and a person that nobody else can use (`scene.py`), lets an app
and a browser of our own (`app.py`, `browser.py`) go through the rows of `table.py` one after the other, and removes
everything again. A check knows the installation by its answers only: a proxy in front that drops a header, repeats a
request or keeps an answer is found as well as a fault of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.conformance.run import Run

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"


class Wrong(Exception):
    """It is not as it has to be; the message says what came instead. Never a token, a code or a secret."""


class NotApplicable(Exception):
    """This installation does not offer what is looked at, or the check cannot be made here; the message says why."""


class CannotRun(Exception):
    """Nothing can be looked at, in a sentence for the operator."""


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
