"""For how long an answer of somebody else's server may be used again (RFC 9111), within bounds of ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LEAST, USUAL, MOST = 60, 600, 86_400  # seconds
_SECONDS = re.compile(r"[0-9]{1,10}")


def lifetime(headers: Mapping[str, str]) -> int:
    """Seconds. `headers`: by names in small letters. What says nothing, or nonsense, has the usual time."""
    said = _said(headers)
    return USUAL if said is None else min(max(said, LEAST), MOST)


def _said(headers: Mapping[str, str]) -> int | None:
    directives = dict(map(_directive, headers.get("cache-control", "").split(",")))
    if "no-store" in directives or "no-cache" in directives:
        return 0
    for name in ("s-maxage", "max-age"):
        if name in directives:
            seconds = _seconds(directives[name])
            return None if seconds is None else seconds - (_seconds(headers.get("age", "")) or 0)
    return _until(headers)


def _directive(text: str) -> tuple[str, str]:
    """By hand: a pattern of it takes a minute for some headers that a stranger writes."""
    name, _equals, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _until(headers: Mapping[str, str]) -> int | None:
    """`Expires`, counted by the clock that wrote it."""
    try:
        end, now = (parsedate_to_datetime(headers[name]) for name in ("expires", "date"))
        return int((end - now).total_seconds())
    except (KeyError, TypeError, ValueError, OverflowError):  # not there, no dates, or one of them without a zone
        return None


def _seconds(text: str) -> int | None:
    return int(text) if _SECONDS.fullmatch(text.strip()) else None
