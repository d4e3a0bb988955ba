"""The lives of the keys of one algorithm as bars on a line of time: what a template draws as SVG, beside the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format

from provider.keys.timeline import Life

WIDTH, TOP, ROW, BAR, LEFT = 720, 20, 26, 12, 84
TICKS = 4


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    stage: str
    expected: bool  # it is to come: drawn lighter


@dataclass(frozen=True)
class Line:
    """Of one key."""

    label: str
    y: float
    bars: list[Bar]


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Chart:
    lines: list[Line]
    ticks: list[Tick]
    today: float
    height: float
    width: int = WIDTH
    left: int = LEFT
    bar: int = BAR


def drawn(lives: Sequence[Life], now: datetime) -> Chart:
    """All of them on one line of time, on which the present is marked."""
    spans = [span for one in lives for span in one.spans()]
    begins = min([span.begins.at for span in spans], default=now)
    ends = max([span.ends.at for span in spans], default=now)
    whole = max(ends - begins, timedelta(hours=1))

    def x(moment: datetime) -> float:
        return round(LEFT + (moment - begins) / whole * (WIDTH - LEFT - 4), 1)

    lines = [
        Line(life.key.kid[:8], TOP + at * ROW + BAR - 2, [*_bars(life, TOP + at * ROW, now, x)])
        for at, life in enumerate(lives)
    ]
    moments = [begins + whole * part / TICKS for part in range(TICKS)]
    shown = "j M Y" if whole > timedelta(days=2) else "H:i"
    ticks = [Tick(x(one), date_format(one, shown)) for one in moments]
    return Chart(lines, ticks, x(now), TOP + len(lives) * ROW + 6)


def _bars(life: Life, y: float, now: datetime, x: Callable[[datetime], float]) -> Iterator[Bar]:
    """What is to come is drawn apart from what was."""
    for span in life.spans():
        begins, ends = span.begins.at, span.ends.at
        happened = min(ends, now) if span.ends.expected else ends
        if happened > begins:
            yield Bar(x(begins), y, max(x(happened) - x(begins), 1), span.stage.value, expected=False)
        if ends > max(begins, happened):
            start = max(begins, happened)
            yield Bar(x(start), y, max(x(ends) - x(start), 1), span.stage.value, expected=True)
