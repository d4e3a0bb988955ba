"""What is registered under audiences, found by path: the relation of the matcher, at a cost that does not grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import addresses
from projects.addresses import Addresses
from projects.matcher import Audience, Malformed, Mode, canonical, covers, matches, parse

H = "https://h"
VALUES = f"""
    {H} {H}/ HTTPS://H:443/a {H}/a {H}/a/ {H}/a/b {H}/a/b/c {H}/ab {H}:8/a http://h/a {H}/a?q {H}/a/b?q {H}?q
    x://h/a x://h/a/b urn:a urn:a:b name name/x bad\\
"""
values = st.sampled_from([*VALUES.split(), ""])
entries = st.lists(st.tuples(values, st.sampled_from(["prefix", "exact"])), max_size=6)


@given(entries, values)
def test_it_finds_what_comparing_with_everything_finds(listed: list[tuple[str, Mode]], value: str) -> None:
    found = list(Addresses((one, mode, number) for number, (one, mode) in enumerate(listed)).covering(value))
    assert sorted(found) == [number for number, (one, mode) in enumerate(listed) if covers(one, value, mode)]
    depths = [len(parse(listed[number][0]).segments) for number in found]
    assert depths == sorted(depths, reverse=True), "the most specific first"


@given(entries, values)
def test_what_is_registered_as_this_very_audience(listed: list[tuple[str, Mode]], value: str) -> None:
    found = Addresses((one, mode, one) for one, mode in listed).at(value)
    try:
        same = [one for one, _mode in listed if one and canonical_or_none(one) == canonical(value)]
    except Malformed:
        same = []
    assert found == (same[0] if same else None)


def canonical_or_none(value: str) -> str | None:
    try:
        return canonical(value)
    except Malformed:
        return None


@given(entries, entries)
def test_joining_keeps_all_of_them(one: list[tuple[str, Mode]], other: list[tuple[str, Mode]]) -> None:
    theirs = [(f"https://other/{number}", mode, number) for number, (_value, mode) in enumerate(other)]
    ours = [(value, mode, number) for number, (value, mode) in enumerate(one) if canonical_or_none(value)]
    joined = Addresses.joined([Addresses(ours), Addresses(theirs)])
    assert bool(joined) is bool(list(joined))
    assert sorted(joined) == sorted(number for _value, _mode, number in (*ours, *theirs))


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What requests were compared with."""
    seen: list[str] = []

    def counted(entry: Audience, requested: Audience, mode: Mode = "prefix") -> bool:
        seen.append(entry.canonical)
        return matches(entry, requested, mode)

    monkeypatch.setattr(addresses, "matches", counted)
    return seen


def test_what_is_beside_it_is_never_looked_at(compared: list[str]) -> None:
    many = Addresses((f"{H}/a/{number}", "prefix", number) for number in range(2000))
    assert list(many.covering(f"{H}/a/7/x")) == [7]
    assert many.at(f"{H}/a/8") == 8
    assert list(many.covering(f"{H}/b")) == []
    assert compared == [f"{H}/a/7"]


def test_a_long_path_with_nothing_on_it_is_left_at_once(compared: list[str]) -> None:
    assert list(Addresses([(H, "prefix", 1)]).covering(H + "/x" * 1000)) == [1]
    assert len(compared) == 1


def test_something_as_deep_as_an_address_can_be() -> None:
    deep = Addresses([(H + "/x" * 1000, "prefix", 1)])
    assert list(deep) == list(deep.covering(H + "/x" * 1001)) == [1]


def test_two_of_the_same_entries_are_equal() -> None:
    """What was decided from equal facts is not decided again."""
    entries: list[tuple[str, Mode, int]] = [("https://a.example/b", "prefix", 1), ("urn:x", "exact", 2)]
    assert (
        Addresses(entries) == Addresses(entries) == Addresses.joined([Addresses(entries[:1]), Addresses(entries[1:])])
    )
    assert Addresses(entries) != Addresses(entries[:1])
