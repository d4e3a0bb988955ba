"""Whom a project and a client let in: the rule by itself, and how it is written (protocol section 32)."""

from __future__ import annotations

import pytest

from common.json_type import Json
from projects.json_shape import Spot, Wrong
from projects.sign_in import ANYONE, NOWHERE, Belongs, LetIn, Rule, group_id
from projects.sign_in_document import read

pytestmark = pytest.mark.any_database

STAFF = Belongs(groups=frozenset({"g1", "g2"}), roles=frozenset({"1"}))
RULES = {
    "anyone": (ANYONE, True, True),
    "a group of theirs": (Rule("groups", frozenset({"g2", "g9"})), True, False),
    "another group": (Rule("groups", frozenset({"g9"})), False, False),
    "a role of theirs": (Rule("roles", frozenset({"1"})), True, False),
    "another role": (Rule("roles", frozenset({"2"})), False, False),
    "a group named like a role of theirs": (Rule("groups", frozenset({"1"})), False, False),
    "no group at all": (Rule("groups"), False, False),
    "no role at all": (Rule("roles"), False, False),
    "a kind that nobody knows": (Rule("everybody", frozenset({"g1", "1"})), False, False),
}


@pytest.mark.parametrize("case", RULES)
def test_a_rule_lets_in_whom_it_names_and_nobody_else(case: str) -> None:
    rule, staff, others = RULES[case]
    assert (rule.lets_in(STAFF), rule.lets_in(NOWHERE)) == (staff, others)
    assert rule.restricts == (case != "anyone")


def test_an_id_is_the_same_from_every_database() -> None:
    assert group_id("018F-AB") == group_id("018fab") == "018fab"


WRITTEN: dict[str, tuple[Json, LetIn]] = {
    "anyone": ("anyone", LetIn()),
    "groups": ({"groups": ["a", "b c"]}, LetIn("groups", ("a", "b c"))),
    "roles": ({"roles": ["editor"]}, LetIn("roles", ("editor",))),
    "nobody": ({"groups": []}, LetIn("groups")),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_rule_is_written_as_it_is_read(case: str) -> None:
    written, meant = WRITTEN[case]
    assert read(Spot(written)) == meant
    assert meant.json == written


WRONG: dict[str, Json] = {
    "nothing": None,
    "true": True,
    "a number": 1,
    "another word": "groups",
    "a list": ["a"],
    "an empty mapping": {},
    "both": {"groups": ["a"], "roles": ["b"]},
    "null": {"groups": None},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_read_never_lets_everybody_in(case: str) -> None:
    spot = Spot(WRONG[case])
    try:
        said = read(spot)
    except Wrong:
        return
    assert said != LetIn()
    assert spot.found
