"""Refresh token generations (protocol section 5.7, RFC 9700 section 4.14.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

MAX_SIBLINGS = 5


class Use(Enum):
    """What presenting a refresh token means."""

    CURRENT = "current"  # first use of the current generation
    REPLAY = "replay"  # the client did not get our answer and asks again, in time
    CROWDED = "crowded"  # in time, but too often: refused, nothing revoked
    REUSE = "reuse"  # somebody else has it: the whole Authorization ends


@dataclass(frozen=True, slots=True)
class Rotation:
    """The Authorization's side: its generation, and which token made it."""

    generation: int = 0
    rotated_at: datetime | None = None
    rotated_from: str = ""
    siblings: int = 0


def judge(rotation: Rotation, digest: str, generation: int, now: datetime, grace: timedelta) -> Use:
    """Decide from the generations alone who comes first, again, or too late."""
    if generation == rotation.generation:
        return Use.CURRENT
    in_time = rotation.rotated_at is not None and now - rotation.rotated_at <= grace
    if generation != rotation.generation - 1 or digest != rotation.rotated_from or not in_time:
        return Use.REUSE
    return Use.REPLAY if rotation.siblings < MAX_SIBLINGS else Use.CROWDED
