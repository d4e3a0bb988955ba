"""When each signing key is published, signs, retires and is gone: what happened, and what comes by the schedule. Pure.

The schedule is that of the worker: a key signs for so many days, and the next one waits at least as long as apps may
keep what they fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from clients.models import SigningKey
from clients.models.keys import KeyState
from provider.keys.lifetimes import CLOCK_SKEW
from provider.keys.rotation import JWKS_MAX_AGE


class Stage(StrEnum):
    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime
    expected: bool = False  # by the schedule: it did not happen yet


@dataclass(frozen=True, slots=True)
class Span:
    stage: Stage
    begins: Moment
    ends: Moment


@dataclass(frozen=True, slots=True)
class Life:
    """Of one key. `gone`: it is published no longer, and nothing it signed is believed."""

    key: SigningKey
    published: Moment
    signs: Moment | None
    retires: Moment | None
    gone: Moment | None

    @property
    def revoked(self) -> bool:
        return self.key.state == KeyState.REVOKED

    def spans(self) -> Iterator[Span]:
        """The parts of it that are known, or expected."""
        ends = self.signs or self.gone
        if ends and ends.at > self.published.at:
            yield Span(Stage.NEXT, self.published, ends)
        if self.signs and self.retires:
            yield Span(Stage.ACTIVE, self.signs, self.retires)
        begins = self.retires or self.signs
        if begins and self.gone and self.gone.at > begins.at:
            yield Span(Stage.RETIRED, begins, self.gone)


def lives(keys: Sequence[SigningKey], now: datetime, every: timedelta, longest: timedelta) -> list[Life]:
    """Of the keys of one algorithm, the newest first. `longest`: how long what one signs may live."""
    active = next((one for one in keys if one.state == KeyState.ACTIVE), None)
    following = next((one for one in keys if one.state == KeyState.NEXT), None)
    change = _change(active, following, now, every)
    found = [_life(one, change, every, longest + CLOCK_SKEW) for one in keys]
    return sorted(found, key=lambda one: (one.published.at, one.key.kid), reverse=True)


def _change(active: SigningKey | None, following: SigningKey | None, now: datetime, every: timedelta) -> datetime:
    """When the next key takes over: not before now, nor before everybody may know it."""
    due = active.activated_at + every if active is not None and active.activated_at is not None else now
    known = (following.created_at if following is not None else now) + JWKS_MAX_AGE + CLOCK_SKEW
    return max(due, known, now)


def _life(key: SigningKey, change: datetime, every: timedelta, believed: timedelta) -> Life:
    published = Moment(key.created_at)
    signs = Moment(key.activated_at) if key.activated_at else None
    if key.state == KeyState.NEXT:
        until = change + every
        return Life(key, published, *(Moment(one, expected=True) for one in (change, until, until + believed)))
    if key.state == KeyState.ACTIVE:
        return Life(key, published, signs, Moment(change, expected=True), Moment(change + believed, expected=True))
    retired = Moment(key.retired_at) if key.retired_at and key.activated_at else None
    return Life(key, published, signs, retired, Moment(key.believed_until or key.created_at))
