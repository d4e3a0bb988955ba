"""One drill: a fault under load, how it is lifted, and what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.soak.ledger import BITES_WITHIN, Asked, Fault, Ledger, calm_since
from tests.soak.place import Failed, say
from tests.soak.stage import Stage

CALM = 5.0  # seconds before and after each fault in which nothing may fail
OUTAGE = frozenset({0, 502, 503, 504})  # none, or one that says to try again
Strike = Callable[[Stage, "Moments"], None]


class Moments(list[tuple[float, float]]):
    """While processes were killed: what was under way then may fail."""

    @contextmanager
    def now(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.append((began, time.monotonic()))


def nothing(stage: Stage, moments: Moments) -> None:
    return


@dataclass(frozen=True)
class Drill:
    """`allowed`: for how many seconds after it was lifted requests may fail. Nothing but what was under way: None."""

    key: str
    title: str
    strike: Strike
    allowed: float | None = None
    mend: Strike = nothing  # what an operator does afterwards; nothing may fail meanwhile
    possible: Callable[[Stage], bool] = lambda _stage: True


@dataclass(frozen=True)
class Result:
    title: str
    sent: int
    failed: int
    in_flight: int
    outside: int
    lost: int
    revived: int
    unverified: int
    faults: int  # answers that blame us or the client for what happened, as 500 and 400 do
    cut: int
    stale: float  # seconds
    recovered: float  # seconds after the first fault; 0 where nothing failed
    answers: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        bad = self.outside or self.lost or self.revived or self.unverified or self.faults
        return not bad and self.stale < BITES_WITHIN


@dataclass(frozen=True)
class While:
    """From the calm before to the calm after."""

    began: float
    struck: float
    tolerated: float  # until then requests may fail
    ended: float


def judged(drill: Drill, ledger: Ledger, while_: While, moments: list[tuple[float, float]]) -> Result:
    sent = ledger.between(while_.began, while_.ended)
    failed = [one for one in sent if one.failed]
    in_flight = [one for one in failed if any(one.under_way(*moment) for moment in moments)]
    permitted = [one for one in failed if _permitted(drill, while_, one)]
    cut = sum(while_.began <= at < while_.ended for at in ledger.cut)
    calm = calm_since(failed)
    found = [one for one in ledger.found if while_.began <= one.at < while_.ended]
    return Result(
        drill.title,
        len(sent),
        len(failed),
        len(in_flight),
        len([one for one in failed if one not in in_flight and one not in permitted]),
        ledger.count(Fault.LOST, while_.began, while_.ended),
        ledger.count(Fault.REVIVED, while_.began, while_.ended),
        ledger.count(Fault.UNVERIFIED, while_.began, while_.ended),
        sum(one.status not in OUTAGE for one in failed),
        cut,
        ledger.stalest(while_.began, while_.ended),
        calm - (moments[0][0] if moments else while_.struck) if calm else 0.0,
        Counter(f"{one.flow} {one.status or 'no answer'} {one.detail}".strip() for one in failed),
        [f"{one.fault}: {one.detail}" for one in found],
    )


def _permitted(drill: Drill, while_: While, one: Asked) -> bool:
    return drill.allowed is not None and while_.struck <= one.ended and one.began < while_.tolerated


def perform(drill: Drill, stage: Stage) -> Result | None:
    """Calm, the fault, the time it may take, what an operator does then, calm; and a look at everything known."""
    if not drill.possible(stage):
        say(f"{drill.title}: not possible here")
        return None
    say(f"{drill.title} ...")
    moments = Moments()
    began = time.monotonic()
    time.sleep(CALM)
    struck = time.monotonic()
    drill.strike(stage, moments)
    tolerated = time.monotonic() + (drill.allowed or 0.0)
    time.sleep(drill.allowed or 0.0)
    drill.mend(stage, moments)
    time.sleep(CALM)
    stage.load.examine()
    if stage.load.broken:
        raise Failed("the load broke") from stage.load.broken[0]
    result = judged(drill, stage.load.ledger, While(began, struck, tolerated, time.monotonic()), moments)
    say(f"    {'fine' if result.good else 'NOT FINE'}: {result.sent} sent, {result.failed} failed")
    for text, count in result.answers.most_common(12):
        say(f"    {count} x {text}")
    for text in result.details[:10]:
        say(f"    {text}")
    return result
