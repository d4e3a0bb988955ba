"""What several commands take: moments and lengths of time. What is wrong with one is said in a sentence, exit 2."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from common import clock
from common.command import wrong_use

_LENGTH = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
A_TIME = "a time with its zone, such as 2026-11-29T20:00:00Z, a day, or how long ago: 90m, 24h, 7d"
A_LENGTH = "a length of time, such as 30m, 24h or 7d"


def length(text: str, option: str) -> timedelta:
    """How long: `7d`."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise wrong_use(f"{option} takes {A_LENGTH}.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def past(text: str, option: str) -> datetime:
    """A moment that is over: a time with its zone, the beginning of a day in UTC, or how long ago."""
    try:
        moment = clock.now() - length(text, option) if _LENGTH.fullmatch(text) else _moment(text)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong_use(f"{option} takes {A_TIME}.") from None
    if moment.tzinfo is None:
        raise wrong_use(f"{option} takes {A_TIME}: without a zone nobody knows when that was.")
    if in_utc > clock.now():
        raise wrong_use(f"{option} lies in the future: nothing was made then.")
    return in_utc


def _moment(text: str) -> datetime:
    if len(text) <= len("2026-11-29"):
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    return datetime.fromisoformat(text)
