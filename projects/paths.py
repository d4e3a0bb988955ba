"""Paths to values of a JSON object, as problems name them: `scope`, `redirect_uris[1]`, `audience[0].mode`.

A name that is no word stands in quotes, as in JSON: `scopes["orders.read"].description`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TypeAlias

Step: TypeAlias = str | int

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_STEP = re.compile(r'\[(?P<index>\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|\.?(?P<word>\w+)', re.ASCII)


def joined(steps: Iterable[Step]) -> str:
    """As a problem names the place."""
    return "".join(map(_shown, steps)).removeprefix(".")


def _shown(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _WORD.fullmatch(step) else f"[{json.dumps(step)}]"


def steps(path: str) -> tuple[Step, ...]:
    """The way to the place: names of members, and numbers of items."""
    return tuple(_step(found) for found in _STEP.finditer(path))


def _step(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return int(found["index"])
    return str(json.loads(found["quoted"])) if found["quoted"] is not None else found["word"]
