"""A project's claim table as plain values: what a row lets through, and what goes without saying."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.claim_table import (
    ATTRIBUTE,
    DEFAULTS,
    GROUPS,
    PLACES,
    ROLES,
    ClaimRow,
    effective,
    of_stored,
    stored,
)

pytestmark = pytest.mark.any_database

HELD = ("acme-admins", "acme-staff", "choir", "staff")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (ClaimRow(name="groups", source=GROUPS), [*HELD]),
        (ClaimRow(name="groups", source=GROUPS, prefix="acme-"), ["acme-admins", "acme-staff"]),
        (ClaimRow(name="groups", source=GROUPS, only=("choir", "nobody")), ["choir"]),
        (
            ClaimRow(name="groups", source=GROUPS, prefix="acme-", only=("staff",)),
            ["acme-admins", "acme-staff", "staff"],
        ),
        (ClaimRow(name="groups", source=GROUPS, rename=(("choir", "singers"),)), [*HELD[:2], "singers", "staff"]),
        (
            ClaimRow(name="groups", source=GROUPS, only=("acme-staff", "staff"), rename=(("acme-staff", "staff"),)),
            ["staff"],
        ),
        (ClaimRow(name="groups", source=GROUPS, prefix="other-"), []),
        (ClaimRow(name="groups", source=GROUPS, prefix="ACME-"), []),
    ],
    ids=["all", "prefix", "list", "both", "renamed", "renamed to one that is there", "none", "capitals count"],
)
def test_a_row_filters_and_renames(row: ClaimRow, told: list[str]) -> None:
    assert row.names(reversed(HELD)) == told


@pytest.mark.parametrize(
    ("row", "scope"),
    [
        (ClaimRow(name="a", source=GROUPS), "groups"),
        (ClaimRow(name="a", source=ROLES), "roles"),
        (ClaimRow(name="a", source=ATTRIBUTE, attribute="team"), "profile"),
        (ClaimRow(name="a", source=ATTRIBUTE, attribute="team", scope="email"), "email"),
    ],
)
def test_each_row_has_a_scope_that_asks_for_it(row: ClaimRow, scope: str) -> None:
    assert row.needs == scope


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ((), ["groups", "roles"]),
        ((ClaimRow(name="roles", source=GROUPS, scope="roles"),), ["roles", "groups"]),
        ((ClaimRow(name="team", source=GROUPS),), ["team", "roles"]),
        ((ClaimRow(name="roles", source=GROUPS),), ["roles"]),
        ((ClaimRow(name="team", source=ATTRIBUTE, attribute="team"),), ["team", "groups", "roles"]),
    ],
    ids=["no table", "roles of groups", "groups under another name", "both are said", "something else"],
)
def test_groups_and_roles_are_told_as_they_are_unless_a_row_says_otherwise(
    rows: tuple[ClaimRow, ...], names: list[str]
) -> None:
    assert [row.name for row in effective(rows)] == names
    assert DEFAULTS[0].told_in == ("id_token", "userinfo")


words = st.text(max_size=20)
table_rows = st.builds(
    ClaimRow,
    name=words,
    source=words,
    attribute=words,
    prefix=words,
    only=st.tuples(words),
    rename=st.dictionaries(words, words, max_size=3).map(lambda pairs: tuple(pairs.items())),
    told_in=st.lists(st.sampled_from(PLACES), unique=True).map(tuple),
    scope=words,
)


@given(st.lists(table_rows, max_size=3).map(tuple))
def test_what_is_stored_comes_back(rows: tuple[ClaimRow, ...]) -> None:
    assert of_stored(stored(rows)) == rows
