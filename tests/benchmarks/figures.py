"""From runs to figures: medians, spreads and ratios. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Run:
    """One run of the load generator: answers, how many of them refused, and requests that got none.

    Times of one request in milliseconds; `cpu_seconds` of the server's processes. `ran_out` requests had no code left
    to send."""

    requests: int
    refused: int
    broken: int
    seconds: float
    p50: float
    p99: float
    cpu_seconds: float
    database_seconds: float = 0.0
    ran_out: int = 0

    @property
    def errors(self) -> int:
        return self.refused + self.broken

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return (self.requests - self.refused) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time per request in milliseconds; what waits elsewhere (for the database) is not in it."""
        return self.cpu_seconds * 1000 / self.requests if self.requests else 0.0

    @property
    def database_ms(self) -> float:
        """The same of the database's processes."""
        return self.database_seconds * 1000 / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class Figures:
    """Several runs of one flow on one server. Rates stand in the order of the rounds."""

    rates: tuple[float, ...]
    p50: float
    p99: float
    cpu_ms: float
    errors: int
    database_ms: float = 0.0

    @property
    def rate(self) -> float:
        return median(self.rates)

    @property
    def spread(self) -> float:
        """From the slowest round to the quickest, as a part of the median."""
        return (max(self.rates) - min(self.rates)) / self.rate if self.rate else 0.0


def summarize(runs: Sequence[Run]) -> Figures:
    return Figures(
        rates=tuple(run.rate for run in runs),
        p50=median(run.p50 for run in runs),
        p99=median(run.p99 for run in runs),
        cpu_ms=median(run.cpu_ms for run in runs),
        errors=sum(run.errors for run in runs),
        database_ms=median(run.database_ms for run in runs),
    )


def ratio(ours: Figures, theirs: Figures) -> float | None:
    """How many times theirs ours is: the median over the rounds, so that a slow minute weighs on both alike."""
    rounds = [mine / other for mine, other in zip(ours.rates, theirs.rates, strict=True) if other]
    return median(rounds) if rounds else None
