"""`make sweep` looks at every combination of what tests put together; the gate at fewer, in which every two meet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet

EVERYTHING = bool(os.environ.get("VESTIBULE_SWEEP"))
Way = TypeVar("Way")


def taking_turns(ways: Sequence[Way], turn: int) -> Sequence[Way]:
    """One of the ways, the next one at the next turn; in a sweep all of them.

    Of two sides numbered m and n, at turn m + n, each meets each of the other in some way, and each of them every way.
    """
    return ways if EVERYTHING else [ways[turn % len(ways)]]


def meeting(first: Iterable[object], second: Iterable[object]) -> list[ParameterSet]:
    """Every pair, and for the second database as many of them as it takes for each of both sides to have its turn."""
    ones, others = list(first), list(second)
    fewer = min(len(ones), len(others))
    return [
        pytest.param(
            one,
            other,
            marks=() if (number - turn) % fewer == 0 else pytest.mark.any_database,
            id=f"{getattr(one, '__name__', one)}-{getattr(other, '__name__', other)}",
        )
        for number, one in enumerate(ones)
        for turn, other in enumerate(others)
    ]
