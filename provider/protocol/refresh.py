"""Refresh token generations (protocol section 5.7, RFC 9700 section 4.14.2)."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from enum import Enum


class Use(Enum):
    """What presenting a refresh token means."""

    CURRENT = "current"  # first use of the current generation
    REPLAY = "replay"  # a copy of the client, or one that did not get our answer, asks again, in time
    REUSE = "reuse"  # somebody else has it: the whole Authorization ends


@dataclass(frozen=True, slots=True)
class Rotation:
    """The Authorization's side: its generation, which token made it, and how long ago by the database's clock."""

    generation: int = 0
    rotated_from: str = ""
    seconds_ago: float | None = None


def judge(rotation: Rotation, digest: str, generation: int, grace: float) -> Use:
    """Decide from the generations alone who comes first, again, or too late."""
    if generation == rotation.generation:
        return Use.CURRENT
    in_time = rotation.seconds_ago is not None and rotation.seconds_ago <= grace
    predecessor = generation == rotation.generation - 1 and digest == rotation.rotated_from
    return Use.REPLAY if predecessor and in_time else Use.REUSE


def successor(token: str, seed: str) -> str:
    """The refresh token that follows this one: the same however often it is asked for.

    Whoever has only the seed, or only the token, does not know it. The seed is forgotten with the second rotation.
    """
    derived = hmac.digest(token.encode(), b"refresh token successor " + seed.encode(), "sha256")
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()
