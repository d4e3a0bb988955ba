"""What may stand in a project's claim table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.claim_rules import LONGEST_NAME, MAX_LISTED, MAX_ROWS, OF_THE_PROTOCOL, STANDARD, name_problem, problems
from projects.claim_table import ATTRIBUTE, GROUPS, ClaimRow
from provider.protocol import claims, introspection, logout
from provider.protocol.facts import Registry, TokenFacts
from tests.provider.protocol.building import OWNER, client

pytestmark = pytest.mark.any_database

FINE = ClaimRow(name="groups", source=GROUPS)


@pytest.mark.parametrize(
    "name",
    [
        *("groups", "roles", "entitlements", "team", "is_staff", "cognito:groups", "org.team", "realm-roles"),
        *("https://acme.example/claims/team", "https://hasura.io/jwt/claims", "urn:acme:team", "A", "a" * LONGEST_NAME),
    ],
)
def test_a_claim_has_a_plain_name_or_that_of_an_address(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "_claim_names",
        "_claim_sources",
        "1st",
        "a b",
        'a"b',
        "a\n",
        "gruppe\u0301",
        "a" * (LONGEST_NAME + 1),
        "\0",
    ],
)
def test_anything_else_is_no_name(name: str) -> None:
    assert "is no name of a claim" in name_problem(name)


@pytest.mark.parametrize(
    "name", ["sub", "SUB", "aud", "scope", "client_id", "act", "cnf", "acr", "clientId", "user_id"]
)
def test_no_claim_takes_the_place_of_one_of_the_protocol(name: str) -> None:
    assert "says something else in a token already" in name_problem(name)


@pytest.mark.parametrize(
    "name", ["email", "Email", "email_verified", "preferred_username", "profile", "locale", "name"]
)
def test_no_claim_takes_the_place_of_a_standard_one(name: str) -> None:
    assert "is a standard claim" in name_problem(name)


def test_whatever_we_say_ourselves_is_reserved() -> None:
    """A later version that says something more adds it there."""
    person = client(scopes=("openid",))
    issue = claims.Issue("https://id.example", 1, "a.b", person, OWNER, audience=("web",), actors=("other",))
    said = {
        *claims.ABOUT_THE_TOKEN,
        *claims.access_token(issue),
        *claims.id_token(issue, "token", "code"),
        *logout.TOKEN_CLAIMS,
    }
    from_tokens = {name.lower() for name in said} | {"scope", "cnf", "token_introspection"}
    assert from_tokens <= OF_THE_PROTOCOL
    assert set(claims.CLAIMS) <= STANDARD
    facts = TokenFacts("access", person, OWNER, ("openid", "email", "profile"), ("web",), 1, 2, jti="a.b")
    described = introspection.answer(person, facts, Registry(), "https://id.example")
    told = {*described, *claims.tokeninfo(facts, offline=True, now=1)}
    assert {name.lower() for name in told} <= OF_THE_PROTOCOL | STANDARD


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"source": "people"}, "source", "'people' is not known here"),
        ({"source": ""}, "source", "Use one of: groups, roles, attribute"),
        ({"source": ATTRIBUTE}, "attribute", "Name the attribute"),
        ({"attribute": "team"}, "attribute", "Name the attribute"),
        ({"source": ATTRIBUTE, "attribute": "team", "prefix": "a"}, "source", "Only groups and roles are filtered"),
        ({"scope": "openid"}, "scope", "'openid' is not known here"),
        ({"scope": "orders.read"}, "scope", "is not known here"),
        ({"told_in": ()}, "told_in", "Say where it is told"),
        ({"told_in": ("cookie",)}, "told_in", "'cookie' is not known here"),
        ({"prefix": "a\nb"}, "prefix", "no line breaks"),
        ({"prefix": "\ud800"}, "prefix", "cannot be stored"),
        ({"only": ("",)}, "only", "A value is needed"),
        ({"only": ("x" * 101,)}, "only", "too long"),
        ({"only": ("x",) * (MAX_LISTED + 1)}, "only", "At most 100"),
        ({"rename": (("a", ""),)}, "rename", "A value is needed"),
        ({"rename": (("a", "b\x7f"),)}, "rename", "no line breaks"),
        ({"rename": tuple((str(one), "b") for one in range(MAX_LISTED + 1))}, "rename", "At most 100"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_in_its_place(changes: dict[str, Any], place: str, words: str) -> None:
    found = {one.field: one.message for one in problems([FINE, replace(FINE, name="other", **changes)])}
    assert list(found) == [f"claims[1].{place}"]
    assert words in found[f"claims[1].{place}"]


def test_a_claim_stands_in_the_table_once() -> None:
    assert [(one.field, one.message) for one in problems([FINE, FINE])] == [
        ("claims[1].name", "This claim is in the table twice.")
    ]


def test_a_table_has_an_end() -> None:
    rows = [ClaimRow(name=f"claim{number}", source=GROUPS) for number in range(MAX_ROWS + 1)]
    assert list(problems(rows[:MAX_ROWS])) == []
    assert [one.field for one in problems(rows)] == [f"claims[{MAX_ROWS}]"]


@given(st.text(max_size=300))
def test_no_name_fails(name: str) -> None:
    assert isinstance(name_problem(name), str)
