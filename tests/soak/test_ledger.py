"""The rules by which the ledger of a soak finds what was lost, what came back, and who was behind."""

from __future__ import annotations

import pytest

from tests.soak.ledger import GRACE, Asked, Chain, Fault, Ledger, State, calm_since

LIFETIME = 600.0


def told(*steps: tuple[str, float, bool | None]) -> Ledger:
    """What happened to one token: received, its end asked for, its end acknowledged, and what nodes said when."""
    ledger = Ledger()
    for what, at, works in steps:
        if what == "received":
            ledger.received("token", "code", at, LIFETIME)
        elif what == "ending":
            ledger.ending("token")
        elif what == "ended":
            ledger.ended("token", at)
        else:
            assert works is not None
            ledger.said("token", works, at, at + 0.01, "node 1")
    return ledger


RECEIVED, ENDING, ENDED = ("received", 0.0, None), ("ending", 9.0, None), ("ended", 10.0, None)


@pytest.mark.parametrize(
    ("steps", "faults", "stale"),
    [
        ([RECEIVED, ("said", 1, True)], [], None),
        ([RECEIVED, ("said", 1, False)], [Fault.LOST], None),
        ([RECEIVED, ("said", 1, False), ("said", 2, False)], [Fault.LOST], None),  # once is enough
        ([RECEIVED, ("said", LIFETIME + 1, False)], [], None),  # it expired
        ([("said", 1, False)], [], None),  # nobody received it
        ([RECEIVED, ENDING, ("said", 9.5, False)], [], None),  # nobody knows yet
        ([RECEIVED, ENDING, ("said", 9.5, True)], [], None),
        ([RECEIVED, ENDING, ENDED, ("said", 10.5, False)], [], None),
        ([RECEIVED, ENDING, ENDED, ("said", 9.9, True)], [], None),  # asked before the end was acknowledged
        ([RECEIVED, ENDING, ENDED, ("said", 10.5, True)], [], 0.5),
        ([RECEIVED, ENDING, ENDED, ("said", 11.5, True)], [Fault.REVIVED], 1.5),
    ],
)
def test_what_a_node_says_is_compared_with_what_was_promised(
    steps: list[tuple[str, float, bool | None]], faults: list[Fault], stale: float | None
) -> None:
    ledger = told(*steps)
    assert [one.fault for one in ledger.found] == faults
    assert ledger.stalest(0, 1_000) == pytest.approx(stale or 0.0)


def test_a_token_is_known_by_its_digest_alone() -> None:
    ledger = told(RECEIVED)
    assert "token" not in repr(ledger)
    assert [known.state for known in ledger.known.values()] == [State.ALIVE]


def test_a_refused_refresh_token_is_lost_unless_its_answer_was_for_too_long() -> None:
    chain = Chain("first")
    assert chain.refused(5.0) is Fault.LOST
    chain.unanswered(10.0)
    chain.unanswered(20.0)  # the first of them counts
    assert chain.refused(10.0 + GRACE) is Fault.LOST
    assert chain.refused(10.1 + GRACE) is None
    chain.succeeded("second", 50.0)
    assert chain.refused(100.0) is Fault.LOST


def test_a_predecessor_is_worth_nothing_after_the_grace() -> None:
    chain = Chain("first")
    chain.succeeded("second", 10.0)
    assert chain.old(10.0 + GRACE) is None
    assert chain.old(12.0 + GRACE) == "first"
    chain.succeeded("second", 20.0)  # a token that does not rotate has none
    assert [token for token, _at in chain.used] == ["first"]


def test_requests_count_where_they_began_and_fail_until_the_last_one_ended() -> None:
    ledger = Ledger()
    for began, ended, failed in [(1.0, 2.0, False), (3.0, 9.0, True), (4.0, 4.5, False), (5.0, 6.0, True)]:
        ledger.note(Asked("refresh", began, ended, 503 if failed else 200, failed))
    asked = ledger.between(2.0, 5.0)
    assert [one.began for one in asked] == [3.0, 4.0]
    assert calm_since(ledger.between(0, 100)) == 9.0
    assert calm_since(ledger.between(0, 3)) is None
    assert [one.under_way(4.6, 4.7) for one in asked] == [True, False]
