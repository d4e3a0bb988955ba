"""The results as Markdown, and their place in docs/performance.md. Pure, but for `write`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import Figures, ratio
from tests.benchmarks.flows import FLOWS
from tests.benchmarks.goals import (
    FLAT,
    GOALS,
    MEMORY_MB,
    MEMORY_WORKERS,
    NOTHING,
    SIGNING,
    STATEMENTS,
    compared,
    number,
)
from tests.benchmarks.measuring import Results

OURS = "vestibule"


@dataclass(frozen=True)
class Circumstances:
    """What figures mean nothing without."""

    date: str
    machine: str
    versions: Mapping[str, str]
    how: str  # rounds, seconds, connections


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def results(found: Results, titles: Mapping[str, str], circumstances: Circumstances) -> str:
    """The whole section."""
    parts = [
        heading(circumstances),
        "Requests per second: the median of the rounds, and how far the slowest is from the quickest.\n",
        rates(found, titles),
        ratios(found, titles),
        "Processor time per request in milliseconds, of the server's processes alone.\n",
        costs(found, titles),
        signing(found),
        statements(found) if found.statements.get(OURS) else "",
        memory(found, titles),
        *left_out(found),
    ]
    return "\n".join(part for part in parts if part)


def heading(circumstances: Circumstances) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in circumstances.versions.items() if version)
    return f"{circumstances.date}. {circumstances.machine}. {versions}. {circumstances.how}.\n"


def rates(found: Results, titles: Mapping[str, str]) -> str:
    return _by_flow(found, titles, lambda one: f"{number(one.rate)} ± {one.spread / 2:.0%}")


def costs(found: Results, titles: Mapping[str, str]) -> str:
    return _by_flow(found, titles, lambda one: number(one.cpu_ms))


def _by_flow(found: Results, titles: Mapping[str, str], said: object) -> str:
    assert callable(said)
    peers = [name for name in titles if name in found.figures]
    rows = []
    for key in _measured(found):
        cells = [found.figures[name].get(key) for name in peers]
        rows.append([FLOWS[key].title, *(said(cell) if cell else NOTHING for cell in cells)])
    return table(["flow", *(titles[name] for name in peers)], rows)


def ratios(found: Results, titles: Mapping[str, str]) -> str:
    others = [name for name in titles if name in found.figures and name != OURS]
    ours = found.figures.get(OURS, {})
    rows = []
    for key in _measured(found):
        rows.append([FLOWS[key].title])
        for name in others:
            times = _ratio(ours.get(key), found.figures[name].get(key))
            rows[-1].append(compared(times, GOALS.get(name, {}).get(key)))
    if not ours or not others:
        return ""
    said = "How many times as many requests as theirs, and our goal.\n\n"
    return said + table(["flow", *(titles[name] for name in others)], rows)


def _ratio(ours: Figures | None, theirs: Figures | None) -> float | None:
    return ratio(ours, theirs) if ours and theirs else None


def statements(found: Results) -> str:
    counted = found.statements[OURS]
    rows = [
        [FLOWS[key].title, number(one.statements), number(STATEMENTS[key]), number(one.control), number(one.trips)]
        for key, one in counted.items()
    ]
    return (
        "Statements per request on PostgreSQL with warm caches, counted on the wire; transaction control (BEGIN,"
        " COMMIT) apart; each round trip waits for the database. A fraction is the look at the version of what is"
        " remembered, twice a second.\n\n"
    ) + table(["flow", "statements", "goal", "transaction control", "round trips"], rows)


def signing(found: Results) -> str:
    """RS256 beside openssl. There is no goal to be met or missed: what it is about does not exist."""
    ours = found.figures.get(OURS, {}).get("kept")
    parts = [rate / signed for rate, signed in zip(ours.rates if ours else (), found.signing, strict=False) if signed]
    if ours is None or not parts:
        return ""
    return (
        f"RS256: openssl makes {number(median(found.signing))} RSA-2048 signatures per second on the server's core;"
        f" {number(ours.rate)} requests per second are answered with an ID token signed so,"
        f" {median(parts):.0%} of that, with all else a refresh takes in it. The goal of {SIGNING:.0%} is for"
        " access tokens that are JWTs signed by RS256. Ours are signed by ES256: it cannot be held against anything.\n"
    )


def memory(found: Results, titles: Mapping[str, str]) -> str:
    sizes = ", ".join(f"{titles[name]} {number(size)} MB" for name, size in found.memory.items() if name in titles)
    said = (
        f"Memory of all processes of a server after the run (PSS: what processes share is divided among them): {sizes}."
    )
    if found.memory_judged is None:
        return said + "\n"
    verdict = "met" if found.memory_judged < MEMORY_MB else "missed"
    ours = f"Vestibule with {MEMORY_WORKERS} workers: {number(found.memory_judged)} MB"
    return f"{said} {ours} (goal: less than {MEMORY_MB} MB, {verdict}).\n"


def scale(found: Results, clients: int, tokens: int) -> str:
    """The same requests on a small installation and on a full one."""
    small, full = (found.figures.get(f"{OURS}-{size}", {}) for size in ("small", "full"))
    rows = []
    for key, one in small.items():
        other = full.get(key)
        if other is None:
            continue
        part = ratio(other, one)
        verdict = NOTHING if part is None else f"{part:.2f} (goal {FLAT}: {'met' if part >= FLAT else 'missed'})"
        costs = [_both(one.cpu_ms, other.cpu_ms), _both(one.database_ms, other.database_ms)]
        rows.append([FLOWS[key].title, number(one.rate), number(other.rate), verdict, *costs])
    sizes = ["10 clients, 1,000 tokens", f"{clients:,} clients, {tokens:,} tokens"]
    text = table(["flow", *sizes, "part kept", "CPU ms of the server", "CPU ms of PostgreSQL"], rows)
    return "\n".join([text, *left_out(found)])


def _both(small: float, full: float) -> str:
    return f"{number(small)} / {number(full)}" if small else NOTHING


def left_out(found: Results) -> list[str]:
    return [f"Left out: {reason}\n" for reason in found.failed]


def _measured(found: Results) -> list[str]:
    return [key for key in FLOWS if any(key in figures for figures in found.figures.values())]


def put(text: str, section: str, content: str) -> str:
    """The document with another content between the marks of a section."""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    before, mark, rest = text.partition(begin)
    _old, closing, after = rest.partition(end)
    if not mark or not closing:
        raise ValueError(f"There is no section {section!r} to put results into.")
    return f"{before}{begin}\n\n{content.strip()}\n\n{end}{after}"


def write(document: Path, section: str, content: str) -> None:
    document.write_text(put(document.read_text(), section, content))
