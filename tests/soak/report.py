"""The table of a soak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.soak.drills import Result

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "operations.md"
BEGIN, END = "<!-- soak -->\n", "<!-- /soak -->"
COLUMNS = (
    "fault",
    "sent",
    "failed",
    "in flight",
    "outside",
    "lost",
    "revived",
    "cut off",
    "stale (ms)",
    "recovered after (s)",
)


def table(results: Sequence[Result]) -> str:
    rows = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 1)), *map(_row, results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(one: Result) -> tuple[str, ...]:
    counts = (one.sent, one.failed, one.in_flight, one.outside, one.lost, one.revived, one.cut)
    recovered = f"{one.recovered:.1f}" if one.failed else "at once"
    return (one.title, *map(str, counts), f"{one.stale * 1000:.0f}", recovered)


def faults(results: Sequence[Result]) -> list[str]:
    """What must not be, in sentences; none: all is well."""
    found = []
    for one in results:
        counted = {
            "failed outside of the fault": one.outside,
            "lost": one.lost,
            "revived": one.revived,
            "signed by a key that nobody knew": one.unverified,
            "answered neither well nor 'try again'": one.faults,
        }
        found += [f"{one.title}: {count} {what}" for what, count in counted.items() if count]
        if one.stale >= 1:
            found.append(f"{one.title}: a node was {one.stale:.1f} s behind")
    return found


def write(results: Sequence[Result], document: Path = DOCUMENT) -> None:
    """In place of the table that stands there."""
    before, _begin, rest = document.read_text().partition(BEGIN)
    _old, _end, after = rest.partition(END)
    sent = sum(one.sent for one in results)
    about = f"{sent:,} requests on two cores that others used as well, {datetime.now(UTC):%Y-%m-%d}:"
    document.write_text(f"{before}{BEGIN}{about}\n\n{table(results)}\n{END}{after}")
