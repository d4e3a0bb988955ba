"""Which app may call which API, as a picture: from facts to shapes that a template draws as SVG. Pure.

Apps stand on the one side, what they reach on the other. Whoever sees no picture reads the table below it, which is
made of the same links.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

WIDTH, SIDE, ROW, HIGH, TOP = 760, 270, 40, 30, 30
LONGEST = 32  # characters in a box; the table says all of it
BEND = 0.45  # how far a line goes straight on before it turns
ASIDE = 6  # an ID token beside what is allowed between the same two


class Kind(StrEnum):
    """Of a link. ALLOWED: by its allowlist; PART: below an address only; ID_TOKEN: of a sibling, for who is behind."""

    ALLOWED = "allowed"
    PART = "part"
    ID_TOKEN = "id-token"  # noqa: S105 - a kind of link


@dataclass(frozen=True, slots=True)
class Node:
    """An app or an API. `quiet`: a disabled app; `foreign`: of another project."""

    key: str
    name: str
    quiet: bool = False
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    app: str
    to: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    text_x: float
    text_y: float
    text: str
    name: str
    quiet: bool
    foreign: bool


@dataclass(frozen=True, slots=True)
class Line:
    path: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Map:
    apps: list[Box]
    targets: list[Box]
    lines: list[Line]
    height: float
    heading_apps: float  # where the words above each side begin
    heading_targets: float
    width: int = WIDTH


def draw(apps: Sequence[Node], targets: Sequence[Node], links: Iterable[Link], *, mirrored: bool = False) -> Map:
    """`mirrored`: for languages that are read from the right, where apps stand on that side."""
    known = list(dict.fromkeys(links))
    rows = {one.key: row for row, one in enumerate(apps)}
    targets = _near(targets, rows, known)
    tall = max(len(apps), len(targets), 1)
    at = {"app": _ys(len(apps), tall), "target": _ys(len(targets), tall)}
    left, right = (WIDTH - SIDE, 0) if mirrored else (0, WIDTH - SIDE)
    places = {one.key: y for one, y in zip(targets, at["target"], strict=True)}
    lines = [
        Line(_curve(at["app"][rows[one.app]], places[one.to], _aside(one.kind), mirrored=mirrored), one.kind)
        for one in known
        if one.app in rows and one.to in places
    ]
    return Map(
        apps=[_box(one, left, y, mirrored=mirrored) for one, y in zip(apps, at["app"], strict=True)],
        targets=[_box(one, right, y, mirrored=mirrored) for one, y in zip(targets, at["target"], strict=True)],
        lines=lines,
        height=TOP + tall * ROW,
        heading_apps=WIDTH if mirrored else 0,
        heading_targets=SIDE if mirrored else WIDTH - SIDE,
    )


def _near(targets: Sequence[Node], rows: Mapping[str, int], links: Iterable[Link]) -> list[Node]:
    """Each beside the middle of the apps that reach it: fewer lines cross. What nobody reaches comes last."""
    reached: dict[str, list[int]] = {}
    for one in links:
        if one.app in rows:
            reached.setdefault(one.to, []).append(rows[one.app])
    middle = {key: fmean(found) for key, found in reached.items()}
    return sorted(targets, key=lambda one: (one.key not in middle, middle.get(one.key, 0.0), one.name, one.key))


def _ys(number: int, tall: int) -> list[float]:
    """The middles of so many rows; the shorter side stands in the middle of the taller."""
    first = TOP + (tall - number) * ROW / 2
    return [first + row * ROW + ROW / 2 for row in range(number)]


def _aside(kind: Kind) -> float:
    return ASIDE if kind is Kind.ID_TOKEN else 0


def _curve(start: float, end: float, aside: float, *, mirrored: bool) -> str:
    start, end = start + aside, end + aside
    begins, ends = SIDE, WIDTH - SIDE
    if mirrored:
        begins, ends = ends, begins
    bend = (ends - begins) * BEND
    return f"M{begins} {start:g}C{begins + bend:g} {start:g} {ends - bend:g} {end:g} {ends} {end:g}"


def _box(node: Node, x: float, y: float, *, mirrored: bool) -> Box:
    inside = x + SIDE - 12 if mirrored else x + 12
    text = node.name if len(node.name) <= LONGEST else f"{node.name[: LONGEST - 1]}…"
    return Box(x, y - HIGH / 2, SIDE, HIGH, inside, y + 5, text, node.name, node.quiet, node.foreign)
