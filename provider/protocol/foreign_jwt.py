"""Claims of JWTs that somebody else made: assertions, request objects, proofs. Pure: no key, no clock, no database.

A claim of another type than it should have is refused like a missing one (rule G9). The clocks of others differ from
ours, so every moment may be a little off (rule F13): ten seconds have to be accepted, more than sixty must not be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from provider.protocol.facts import Json

SKEW = 30  # seconds that two clocks may differ
MAX_TEXT = 512  # characters of a name, or of what is used once
MAX_AUDIENCES = 20
LATEST = 2**53  # seconds; what is compared with it is a number, and finite


class Unacceptable(ValueError):
    """What is wrong with the claims, for whoever made them. Nothing that was sent is repeated."""


def text(claims: Mapping[str, Json], name: str, most: int = MAX_TEXT) -> str:
    """A claim that must be there, and not be empty."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise Unacceptable(f"{name} is missing, or is not a text of at most {most} characters.")
    return value


def moment(claims: Mapping[str, Json], name: str) -> float | None:
    """Seconds since 1970 (RFC 7519 section 2), if the claim is there."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LATEST:
        raise Unacceptable(f"{name} is not a number of seconds.")
    return value


def needed_moment(claims: Mapping[str, Json], name: str) -> float:
    value = moment(claims, name)
    if value is None:
        raise Unacceptable(f"{name} is missing.")
    return value


def check_lifetime(claims: Mapping[str, Json], now: float, longest: float) -> int:
    """It began, has not ended, and ends within `longest`. Answers for how many seconds it can be accepted still.

    That is how long one has to be remembered that may be used once.
    """
    check_begun(claims, now)
    expires = needed_moment(claims, "exp")
    if expires <= now - SKEW:
        raise Unacceptable("exp is over: make a new one for each request.")
    if expires > now + longest + SKEW:
        raise Unacceptable(f"exp is too far away: at most {longest:.0f} seconds from now.")
    return math.ceil(expires + SKEW - now) + 1


def check_age(claims: Mapping[str, Json], now: float, oldest: float) -> int:
    """The same for what says only when it was made (`iat`)."""
    check_begun(claims, now)
    issued = needed_moment(claims, "iat")
    if issued < now - oldest - SKEW:
        raise Unacceptable(f"iat is too long ago: at most {oldest:.0f} seconds. Make a new one for each request.")
    return math.ceil(issued + oldest + SKEW - now) + 1


def check_begun(claims: Mapping[str, Json], now: float) -> None:
    """Neither made nor valid from later on, as far as it says so."""
    for name in ("iat", "nbf"):
        value = moment(claims, name)
        if value is not None and value > now + SKEW:
            raise Unacceptable(f"{name} is in the future: is the clock of this client right?")


def check_audience(claims: Mapping[str, Json], ours: str, *names: str) -> None:
    """It is for us alone (RFC 10070): another audience could present it here. An array of one will do.

    `names`: what else is ours alone.
    """
    value = claims.get("aud")
    if any(value in (one, [one]) for one in (ours, *names)):
        return
    raise Unacceptable("aud has to be the issuer of this provider, and nothing else.")


def names_us(claims: Mapping[str, Json], ours: str) -> bool:
    """Whether we are among those it is for."""
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    return len(values) <= MAX_AUDIENCES and ours in values
