"""What commands print: JSON for programs, and for people lines that no stored text can turn into something else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

# Names are chosen by others. In a terminal such characters move the cursor, recolour, or turn the line around.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
NEVER = "never"


def encoded(document: Mapping[str, object], indent: int | None = None) -> str:
    """One JSON document. Moments are in UTC and end in Z."""
    return json.dumps(document, indent=indent, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return exact(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def exact(moment: datetime) -> str:
    """As programs read it, and as `--since` and the like take it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def printable(line: str) -> str:
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", line)


def told(moment: datetime | None) -> str:
    """As people read it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else NEVER


def ago(moment: datetime | None, now: datetime) -> str:
    return f"{_amount(now - moment)} ago" if moment else NEVER


def until(moment: datetime, now: datetime) -> str:
    return f"in {_amount(moment - now)}" if moment > now else f"{_amount(now - moment)} ago"


def _amount(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{seconds} s"


def columns(rows: Iterable[Sequence[str]], gap: str = "  ") -> list[str]:
    """Rows under each other, each column as wide as its widest text."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def number(count: int, one: str, many: str = "") -> str:
    """`1 client`, `1,204 clients`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
