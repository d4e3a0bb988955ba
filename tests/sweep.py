"""`make sweep` looks at every combination of what tests put together; the gate at fewer, in which every two meet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

EVERYTHING = bool(os.environ.get("VESTIBULE_SWEEP"))
Way = TypeVar("Way")


def taking_turns(ways: Sequence[Way], turn: int) -> Sequence[Way]:
    """One of the ways, the next one at the next turn; in a sweep all of them.

    Of two sides numbered m and n, at turn m + n, each meets each of the other in some way, and each of them every way.
    """
    return ways if EVERYTHING else [ways[turn % len(ways)]]
