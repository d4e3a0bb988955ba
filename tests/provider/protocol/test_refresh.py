"""What presenting a refresh token means, from the generations alone (section 5.7)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.protocol.refresh import Rotation, Use, judge, successor

GRACE = 30


def at_generation(generation: int, *, ago: float = 1, by: str = "first") -> Rotation:
    """An Authorization whose last rotation was `ago` seconds ago, by the token `by`."""
    return Rotation(generation, by, ago)


@pytest.mark.parametrize(
    ("rotation", "digest", "generation", "use"),
    [
        (Rotation(), "first", 0, Use.CURRENT),
        (at_generation(3), "any", 3, Use.CURRENT),
        (at_generation(3, ago=10_000), "any", 3, Use.CURRENT),
        (at_generation(1), "first", 0, Use.REPLAY),
        (at_generation(1, ago=0), "first", 0, Use.REPLAY),
        (at_generation(1, ago=-0.5), "first", 0, Use.REPLAY),
        (at_generation(1, ago=30), "first", 0, Use.REPLAY),
        (at_generation(1, ago=30.001), "first", 0, Use.REUSE),
        (at_generation(3, by="first"), "other", 2, Use.REUSE),
        (at_generation(3), "first", 1, Use.REUSE),
        (at_generation(3), "first", 0, Use.REUSE),
        (at_generation(3), "first", 4, Use.REUSE),
        (Rotation(1, "first", None), "first", 0, Use.REUSE),
    ],
    ids=[
        *("never rotated", "current", "current after the window"),
        *("predecessor", "in the same instant", "read in the same instant as it was kept", "at the end of the window"),
        *("after the window", "another token of its generation", "two behind"),
        *("three behind", "from the future", "no moment known"),
    ],
)
def test_every_generation_is_judged(rotation: Rotation, digest: str, generation: int, use: Use) -> None:
    assert judge(rotation, digest, generation, GRACE) is use


def test_no_grace_makes_every_second_use_a_reuse_but_that_of_the_same_instant() -> None:
    assert judge(at_generation(1, ago=0), "first", 0, 0) is Use.REPLAY
    assert judge(at_generation(1, ago=0.001), "first", 0, 0) is Use.REUSE


@given(
    current=st.integers(0, 5),
    generation=st.integers(0, 6),
    ago=st.floats(0, 60),
    by=st.sampled_from(["a", "b"]),
    digest=st.sampled_from(["a", "b"]),
)
def test_only_the_immediate_predecessor_in_time_is_ever_forgiven(
    current: int, generation: int, ago: float, by: str, digest: str
) -> None:
    use = judge(at_generation(current, ago=ago, by=by), digest, generation, GRACE)
    assert (use is Use.CURRENT) == (generation == current)
    if use is Use.REPLAY:
        assert (generation, digest) == (current - 1, by)
        assert ago <= GRACE


def test_a_successor_takes_the_token_and_the_seed() -> None:
    one = successor("token", "seed")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", one)
    assert one == successor("token", "seed")
    assert len({one, successor("token", "another"), successor("another", "seed"), successor("", "tokenseed")}) == 4
