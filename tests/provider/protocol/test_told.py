"""What a project's table tells of a person, as a pure table: where, for which scopes, to whom, and how much."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.claim_table import (
    ACCESS_TOKEN,
    ATTRIBUTE,
    GROUPS,
    ID_TOKEN,
    INTROSPECTION,
    MAX_BYTES,
    MAX_VALUES,
    PLACES,
    ROLES,
    USERINFO,
    ClaimRow,
)
from projects.facts import OUTSIDE, ProjectFacts
from provider.protocol import claims, introspection, told
from provider.protocol.facts import PersonFacts, Registry, RequestedClaims, TokenFacts
from tests.provider.protocol.building import ACME, OTHER, OWNER, client

pytestmark = pytest.mark.any_database

EVERYWHERE = PLACES
TABLE = (
    ClaimRow(name="groups", source=GROUPS, prefix="acme-", rename=(("acme-admins", "admin"),), told_in=EVERYWHERE),
    ClaimRow(name="roles", source=ROLES, told_in=EVERYWHERE),
    ClaimRow(name="https://acme.example/claims/team", source=ATTRIBUTE, attribute="team", told_in=EVERYWHERE),
)
HOUSE = ProjectFacts(1, claims=TABLE)
PERSON = replace(
    OWNER,
    facts={**OWNER.facts, "team": "blue"},
    groups=("acme-admins", "acme-staff", "choir"),
    roles={1: ("editor",), 2: ("spy",)},
)
ALL = ("openid", "profile", "groups", "roles")
BY_TABLE = {"groups": ["acme-staff", "admin"], "roles": ["editor"], "https://acme.example/claims/team": "blue"}
WEB = client(project=HOUSE, scopes=ALL)


def issue(**changes: Any) -> claims.Issue:
    usual = claims.Issue("https://id.example", 1, "a.b", WEB, PERSON, scopes=ALL, audience=("web",))
    return replace(usual, **changes)


def token(**changes: Any) -> TokenFacts:
    return TokenFacts("access", WEB, PERSON, ALL, ("web",), 1, 2)._replace(**changes)


def by_table(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name in BY_TABLE}


def introspected(of: TokenFacts, caller: Any = WEB) -> dict[str, Any]:
    return by_table(introspection.answer(caller, of, Registry(), "https://id.example"))


@pytest.mark.parametrize("place", PLACES)
def test_a_row_is_told_where_it_says_and_nowhere_else(place: str) -> None:
    here = replace(WEB, project=replace(HOUSE, claims=tuple(replace(row, told_in=(place,)) for row in TABLE)))
    said = {
        ID_TOKEN: by_table(claims.id_token(issue(client=here), "token")),
        USERINFO: by_table(claims.userinfo(token(client=here))),
        ACCESS_TOKEN: by_table(claims.access_token(issue(client=here))),
        INTROSPECTION: introspected(token(client=here), here),
    }
    assert said == {one: BY_TABLE if one == place else {} for one in PLACES}


@pytest.mark.parametrize(
    ("scopes", "names"),
    [
        (("openid",), set()),
        (("openid", "groups"), {"groups"}),
        (("openid", "roles"), {"roles"}),
        (("openid", "profile"), {"https://acme.example/claims/team"}),
        (("openid", "email", "phone", "address", "offline_access"), set()),
    ],
    ids=["openid", "groups", "roles", "profile", "the others"],
)
def test_each_claim_needs_its_scope(scopes: tuple[str, ...], names: set[str]) -> None:
    assert set(by_table(claims.id_token(issue(scopes=scopes), "token"))) == names
    assert set(by_table(claims.access_token(issue(scopes=scopes)))) == names
    assert set(by_table(claims.userinfo(token(scopes=scopes)))) == names
    assert set(introspected(token(scopes=scopes))) == names


def test_an_empty_list_is_told_and_what_is_not_known_is_left_out() -> None:
    nobody = PersonFacts(id=1, sub="x")
    assert by_table(claims.id_token(issue(person=nobody), "token")) == {"groups": [], "roles": []}


@pytest.mark.parametrize("value", [True, False, 0, 7, 2.5, [], ["a", "b"], "2026-11-30"], ids=str)
def test_values_keep_their_type(value: Any) -> None:
    person = replace(PERSON, facts={"team": value})
    said = claims.userinfo(token(person=person))["https://acme.example/claims/team"]
    assert (said, type(said)) == (value, type(value))


def test_roles_of_another_project_are_never_told() -> None:
    elsewhere = replace(WEB, project=replace(OTHER, claims=TABLE))
    assert claims.id_token(issue(client=elsewhere), "token")["roles"] == ["spy"]
    assert claims.id_token(issue(), "token")["roles"] == ["editor"]
    nowhere = replace(WEB, project=ProjectFacts(3, claims=TABLE))
    assert claims.id_token(issue(client=nowhere), "token")["roles"] == []


def test_a_sibling_hears_what_the_callers_scopes_stand_for_by_the_same_table() -> None:
    sibling = client("sibling", project=HOUSE)
    wanted = RequestedClaims(id_token=("roles",))
    said = claims.id_token(issue(target=sibling, scopes=("openid", "groups"), claims=wanted), "token")
    assert by_table(said) == {"groups": BY_TABLE["groups"]}


def test_a_guest_hears_nothing_of_it() -> None:
    assert OUTSIDE.claims == ()
    guest = replace(WEB, project=replace(HOUSE, to_guests=True, claims=()))
    assert by_table(claims.id_token(issue(client=guest), "token")) == {}
    assert by_table(claims.userinfo(token(client=guest))) == {}


def test_a_token_that_was_passed_on_tells_nothing_of_it() -> None:
    passed_on = token(actors=("orders-api",))
    assert by_table(claims.access_token(issue(actors=("orders-api",)))) == {}
    assert by_table(claims.userinfo(passed_on)) == {}
    assert introspected(passed_on) == {}


def test_an_api_of_another_project_learns_nothing_of_it() -> None:
    """The ID token beside it is for the client alone."""
    assert by_table(claims.access_token(issue(abroad=True))) == {}
    assert by_table(claims.userinfo(token(abroad=True))) == {}
    assert introspected(token(abroad=True)) == {}
    assert by_table(claims.id_token(issue(abroad=True), "token")) == BY_TABLE


def test_whoever_introspects_hears_it_from_their_own_project_only() -> None:
    assert introspected(token(), client("other", project=HOUSE, introspection="all")) == BY_TABLE
    assert introspected(token(), client("other", project=OTHER, introspection="all")) == {}
    assert introspected(token(kind="refresh"), WEB) == {}


def test_a_token_of_a_client_itself_speaks_of_nobody() -> None:
    assert by_table(claims.access_token(issue(person=None))) == {}
    assert by_table(claims.userinfo(token(person=None))) == {}
    assert introspected(token(person=None)) == {}


def test_one_claim_is_asked_for_by_its_name_and_goes_only_where_its_row_says() -> None:
    wanted = RequestedClaims(userinfo=("roles",), id_token=("groups",))
    assert by_table(claims.id_token(issue(scopes=("openid",), claims=wanted), "token")) == {
        "groups": BY_TABLE["groups"]
    }
    assert by_table(claims.userinfo(token(scopes=("openid",), claims=wanted))) == {"roles": ["editor"]}
    assert by_table(claims.access_token(issue(scopes=("openid",), claims=wanted))) == {}
    hidden = replace(WEB, project=replace(HOUSE, claims=(replace(TABLE[0], told_in=(USERINFO,)), *TABLE[1:])))
    assert by_table(claims.id_token(issue(client=hidden, scopes=("openid",), claims=wanted), "token")) == {}


def test_a_claim_asked_for_by_its_name_needs_a_client_that_registered_its_scope() -> None:
    wanted = RequestedClaims(userinfo=("roles",), id_token=("roles",))
    poor = replace(WEB, scopes=("openid", "profile"))
    assert by_table(claims.id_token(issue(client=poor, scopes=("openid",), claims=wanted), "token")) == {}
    assert by_table(claims.userinfo(token(client=poor, scopes=("openid",), claims=wanted))) == {}


def test_no_row_takes_the_place_of_another_claim() -> None:
    """The rules refuse such a table. Were one stored all the same, it would change nothing."""
    names = ("sub", "aud", "exp", "email", "email_verified", "scope", "active", "client_id")
    bad = tuple(ClaimRow(name=name, source=ROLES, told_in=EVERYWHERE) for name in names)
    evil = replace(WEB, project=replace(HOUSE, claims=bad))
    scopes = (*ALL, "email")
    for said, usual in (
        (claims.id_token(issue(client=evil, scopes=scopes), "token"), claims.id_token(issue(scopes=scopes), "token")),
        (claims.userinfo(token(client=evil, scopes=scopes)), claims.userinfo(token(scopes=scopes))),
        (claims.access_token(issue(client=evil, scopes=scopes)), claims.access_token(issue(scopes=scopes))),
    ):
        assert {name: said[name] for name in names if name in usual} == {
            name: usual[name] for name in names if name in usual
        }


def many(number: int, length: int = 5) -> PersonFacts:
    return replace(PERSON, groups=tuple(f"acme-{one:0{length}}" for one in range(number)))


@pytest.mark.parametrize(
    ("person", "left_out"),
    [
        (PERSON, ()),
        (many(MAX_VALUES), ()),
        (many(MAX_VALUES + 1), ("groups",)),
        (many(90, length=95), ("groups",)),
        (replace(PERSON, facts={"team": "x" * MAX_BYTES}), ("https://acme.example/claims/team",)),
    ],
    ids=["usual", "as many as fit", "one too many", "too many bytes", "a long text"],
)
def test_what_is_too_large_is_left_out_as_a_whole(person: PersonFacts, left_out: tuple[str, ...]) -> None:
    said = claims.id_token(issue(person=person), "token")
    assert set(BY_TABLE) - set(said) == set(left_out)
    assert told.left_out(said, HOUSE, person, ID_TOKEN, ALL) == left_out


@given(st.lists(st.text(max_size=150), max_size=150), st.text(max_size=9000))
def test_no_person_makes_a_token_too_large(groups: list[str], team: str) -> None:
    person = replace(PERSON, groups=tuple(groups), facts={"team": team})
    table = tuple(replace(row, prefix="") for row in TABLE)
    said = told.told(replace(HOUSE, claims=table), person, ID_TOKEN, ALL)
    assert (
        len(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
        <= MAX_BYTES + 100
    )


def test_a_project_without_a_table_tells_groups_and_roles_as_they_are() -> None:
    plain = replace(WEB, project=ACME)
    said = by_table(claims.id_token(issue(client=plain), "token"))
    assert said == {"groups": ["acme-admins", "acme-staff", "choir"], "roles": ["editor"]}
    assert by_table(claims.access_token(issue(client=plain))) == {}
