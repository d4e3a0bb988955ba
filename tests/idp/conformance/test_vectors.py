"""The vectors that the command brings along are those of the matcher, and stay so under names of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.conformance import vectors
from idp.conformance.vectors import VECTORS, Vector
from projects import matcher

TAG = "0123456789abcdef"


def test_they_are_the_vectors_of_this_repository() -> None:
    theirs = Path(__file__).parents[2] / "vectors" / "audience.json"
    assert vectors.FILE.read_text() == theirs.read_text()


def covers(entry: str, requested: str) -> bool:
    try:
        return matcher.covers(entry, requested)
    except matcher.Malformed:
        return False


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one.number:02}")
def test_names_of_its_own_change_no_answer(vector: Vector) -> None:
    entry, requested = vector.own(vector.entry, TAG), vector.own(vector.requested, TAG)
    assert covers(entry, requested) == vector.allow
    assert entry in ("", vector.entry) or TAG in entry.lower()


def test_none_covers_what_another_asks_for() -> None:
    for one in VECTORS:
        for other in VECTORS:
            assert one is other or not covers(one.own(one.entry, TAG), other.own(other.requested, TAG))


def test_each_row_says_what_was_sent_and_what_has_to_come() -> None:
    assert len(vectors.ROWS) == 55
    assert all(row.says.endswith(("; a token.", "; none.")) for row in vectors.ROWS)
