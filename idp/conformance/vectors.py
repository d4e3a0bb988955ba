"""The vectors of the audience matcher (tests/vectors), asked of the installation: each for a host of its own.

So all of their entries stand in the allowlist of one app and none covers another, and none is the address of an API
that somebody here really has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from idp.conformance.app import seen
from idp.conformance.check import Check
from idp.conformance.expected import granted, holds, refused
from idp.conformance.run import Run

FILE = Path(__file__).with_name("audience.json")
_HOST = re.compile(r"(?<=[/@])(h|H)(?=$|[./:?#])")
_NAMES = re.compile(r"api\.example\.com|(?<=urn:)svc|^1234|^api(?=:)|^myclient", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Vector:
    number: int
    entry: str
    requested: str
    allow: bool

    def own(self, text: str, run: str) -> str:
        """With names that only this vector of this run has."""
        tag = f"v{self.number}-{run}"
        text = _HOST.sub(
            lambda found: f"{found[0]}-{tag}.invalid" if found[0] == "h" else f"H-{tag}.INVALID".upper(), text
        )
        return _NAMES.sub(lambda found: f"{found[0]}-{tag}", text)


VECTORS = [
    Vector(number, str(one["entry"]), str(one["requested"]), bool(one["allow"]))
    for number, one in enumerate(json.loads(FILE.read_text()), 1)
]


def entries(run: str) -> tuple[str, ...]:
    """What the app lists; those that no app may list are refused when it is made."""
    return tuple(one.own(one.entry, run) for one in VECTORS)


def _sees(vector: Vector, run: Run) -> None:
    entry = vector.own(vector.entry, run.scene.tag)
    if entry not in run.scene.listed:
        holds(not vector.allow, "no app may list it")
        return
    answer = run.app("vectors").machine(audience=vector.own(vector.requested, run.scene.tag))
    if vector.allow:
        granted(answer)
    else:
        holds(answer.status == 400, seen(answer))
        refused(answer, "invalid_target", "invalid_audience", "invalid_request")


def _row(vector: Vector) -> Check:
    expected = "a token" if vector.allow else "none"
    says = f"An app that lists {vector.entry or 'an empty text'} asks for {vector.requested}; {expected}."
    sees: Callable[[Run], None] = partial(_sees, vector)
    return Check(f"audience-{vector.number:02}", "RFC 8707 section 2", says, sees)


ROWS = tuple(_row(one) for one in VECTORS)
