"""What presenting a refresh token means, from the generations alone (section 5.7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.protocol.refresh import MAX_SIBLINGS, Rotation, Use, judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(seconds=30)


def at_generation(generation: int, *, ago: float = 1, by: str = "first", siblings: int = 0) -> Rotation:
    """An Authorization whose last rotation was `ago` seconds ago, by the token `by`."""
    return Rotation(generation, NOW - timedelta(seconds=ago), by, siblings)


@pytest.mark.parametrize(
    ("rotation", "digest", "generation", "use"),
    [
        (Rotation(), "first", 0, Use.CURRENT),
        (at_generation(3), "any", 3, Use.CURRENT),
        (at_generation(3, ago=10_000), "any", 3, Use.CURRENT),
        (at_generation(3, siblings=MAX_SIBLINGS), "any", 3, Use.CURRENT),
        (at_generation(1), "first", 0, Use.REPLAY),
        (at_generation(1, ago=0), "first", 0, Use.REPLAY),
        (at_generation(1, ago=30), "first", 0, Use.REPLAY),
        (at_generation(1, siblings=4), "first", 0, Use.REPLAY),
        (at_generation(1, siblings=5), "first", 0, Use.CROWDED),
        (at_generation(1, siblings=6), "first", 0, Use.CROWDED),
        (at_generation(1, ago=30.001), "first", 0, Use.REUSE),
        (at_generation(1, ago=31, siblings=MAX_SIBLINGS), "first", 0, Use.REUSE),
        (at_generation(3, by="first"), "other", 2, Use.REUSE),
        (at_generation(3), "first", 1, Use.REUSE),
        (at_generation(3), "first", 0, Use.REUSE),
        (at_generation(3), "first", 4, Use.REUSE),
        (Rotation(1, None, "first"), "first", 0, Use.REUSE),
    ],
    ids=[
        *("never rotated", "current", "current after the window", "current among siblings"),
        *(
            "predecessor",
            "in the same instant",
            "at the end of the window",
            "last free place",
            "no place left",
            "fuller",
        ),
        *("after the window", "after the window and full", "another sibling of the one used", "two behind"),
        *("three behind", "from the future", "no moment known"),
    ],
)
def test_every_generation_is_judged(rotation: Rotation, digest: str, generation: int, use: Use) -> None:
    assert judge(rotation, digest, generation, NOW, GRACE) is use


def test_no_grace_makes_every_second_use_a_reuse_but_that_of_the_same_instant() -> None:
    none = timedelta(0)
    assert judge(at_generation(1, ago=0), "first", 0, NOW, none) is Use.REPLAY
    assert judge(at_generation(1, ago=0.001), "first", 0, NOW, none) is Use.REUSE


@given(
    current=st.integers(0, 5),
    generation=st.integers(0, 6),
    ago=st.floats(0, 60),
    by=st.sampled_from(["a", "b"]),
    digest=st.sampled_from(["a", "b"]),
    siblings=st.integers(0, 7),
)
def test_only_the_immediate_predecessor_in_time_is_ever_forgiven(
    current: int, generation: int, ago: float, by: str, digest: str, siblings: int
) -> None:
    use = judge(at_generation(current, ago=ago, by=by, siblings=siblings), digest, generation, NOW, GRACE)
    assert (use is Use.CURRENT) == (generation == current)
    if use in (Use.REPLAY, Use.CROWDED):
        assert (generation, digest) == (current - 1, by)
        assert ago <= 30.001
        assert (use is Use.REPLAY) == (siblings < MAX_SIBLINGS)
