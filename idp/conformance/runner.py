"""Goes through the table: what a check raises becomes a verdict, and nothing that goes wrong in one ends the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from idp.conformance import FAILED, NOT_APPLICABLE, PASSED, CannotRun, NotApplicable, Wrong
from idp.conformance.check import Check, Verdict
from idp.conformance.run import Run
from idp.conformance.table import AT_ONCE, LAST, LATER

logger = logging.getLogger("vestibule.conformance")
QUICK = "It waits until an app may not repeat a lost request any more: leave --quick out."
TURN = 15.0  # seconds
LONGEST = 120  # seconds that anybody waits
LONG = "It would wait for IDP_REFRESH_GRACE_SECONDS, which is more than two minutes here."


def judged(run: Run, *, quick: bool = False) -> Iterator[Verdict]:
    yield from (verdict(check, partial(check.sees, run)) for check in AT_ONCE)
    yield from _left_out(LATER, QUICK) if quick else _later(run, LATER)
    yield from (verdict(check, partial(check.sees, run)) for check in LAST)


def _later(run: Run, checks: Sequence[Check]) -> Iterator[Verdict]:
    """All of them begin, and go on after one wait."""
    if run.grace > LONGEST:
        yield from _left_out(checks, LONG)
        return
    begun = [(check, iter(check.sees(run) or ())) for check in checks]
    early = [verdict(check, partial(next, rest, None)) for check, rest in begun]
    _wait(run)
    for (check, rest), first in zip(begun, early, strict=True):
        yield verdict(check, partial(next, rest, None)) if first.state == PASSED else first


def _wait(run: Run) -> None:
    """No other run begins meanwhile."""
    left = run.grace + 1.0
    while left > 0:
        run.scene.go_on()
        run.pause(min(left, TURN))
        left -= TURN


def _left_out(checks: Sequence[Check], why: str) -> Iterator[Verdict]:
    yield from (Verdict(check, NOT_APPLICABLE, why) for check in checks)


def verdict(check: Check, look: Callable[[], object]) -> Verdict:
    try:
        look()
    except NotApplicable as reason:
        return Verdict(check, NOT_APPLICABLE, str(reason))
    except (Wrong, CannotRun) as error:
        return Verdict(check, FAILED, f"Came: {error}." if isinstance(error, Wrong) else str(error))
    except Exception as error:  # what an installation answers may be anything; words of libraries may quote it
        logger.debug("%s broke", check.name, exc_info=True)
        return Verdict(check, FAILED, f"An answer that this check cannot read ({type(error).__name__}).")
    return Verdict(check, PASSED)
