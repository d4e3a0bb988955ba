"""Numbers of some days as stacked bars: what a template draws as SVG, and says once more as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

WIDTH, HEIGHT, TOP, BOTTOM = 560, 170, 14, 22
GAP = 0.35  # of the room of a day that is left free
MOST_SERIES = 4  # the rest is one more


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True)
class Day:
    label: str
    x: float  # of its middle
    numbers: list[int]
    total: int
    labelled: bool  # under the chart: of thirty days not each one


@dataclass(frozen=True)
class Chart:
    """`series`: their names, the largest first. `highest`: what the tallest bar stands for."""

    title: str
    series: list[str]
    totals: list[int]
    days: list[Day]
    bars: list[Bar]
    highest: int
    total: int

    width, height, floor, top = WIDTH, HEIGHT, HEIGHT - BOTTOM, TOP


def stacked(title: str, days: Sequence[date], counts: Mapping[tuple[date, str], int]) -> Chart:
    """By day and series. Few series have a colour of their own."""
    sizes: Counter[str] = Counter()
    for (day, series), number in counts.items():
        if day in days:
            sizes[series] += number
    largest = [name for name, _number in sorted(sizes.items(), key=lambda one: (-one[1], one[0]))]
    kept = largest[:MOST_SERIES]
    names = [*kept, *([_("Other")] if len(largest) > len(kept) else [])]
    rows = [_numbers(day, kept, len(names), counts) for day in days]
    highest = max((sum(row) for row in rows), default=0)
    room = WIDTH / max(len(days), 1)
    every = max(1, len(days) // 7)
    shown = [
        Day(date_format(day, "j M"), round((at + 0.5) * room, 1), row, sum(row), (len(days) - 1 - at) % every == 0)
        for at, (day, row) in enumerate(zip(days, rows, strict=True))
    ]
    totals = [sum(row[at] for row in rows) for at in range(len(names))]
    return Chart(title, names, totals, shown, _bars(rows, highest, room), highest, sum(totals))


def _numbers(day: date, kept: Sequence[str], width: int, counts: Mapping[tuple[date, str], int]) -> list[int]:
    row = [counts.get((day, name), 0) for name in kept]
    if width > len(kept):
        row.append(sum(number for (at, name), number in counts.items() if at == day and name not in kept))
    return row


def _bars(rows: Sequence[Sequence[int]], highest: int, room: float) -> list[Bar]:
    bars = []
    scale = (HEIGHT - TOP - BOTTOM) / highest if highest else 0
    for at, row in enumerate(rows):
        floor = float(HEIGHT - BOTTOM)
        for series, number in enumerate(row):
            tall = number * scale
            if tall:
                floor -= tall
                bars.append(Bar(_r(room * (at + GAP / 2)), _r(floor), _r(room * (1 - GAP)), _r(tall), series))
    return bars


def _r(number: float) -> float:
    return round(number, 1)
