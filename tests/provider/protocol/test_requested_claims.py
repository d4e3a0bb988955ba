"""The `claims` parameter: read strictly, ignored where the specification says so, and never more than a scope gives."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.protocol.claims import CLAIMS, claims_of, within
from provider.protocol.errors import InvalidRequest
from provider.protocol.facts import NO_CLAIMS, RequestedClaims
from provider.protocol.request import AuthorizationRequest, Choice
from provider.protocol.requested_claims import MAX_DEPTH, MAX_LENGTH, NOTHING, ClaimsRequest, at_authorization, parse
from provider.protocol.scopes import at_authorization as decide_scopes
from tests.provider.protocol.building import authorization, client

# --- Reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, NOTHING),
        ({"userinfo": {}, "id_token": {}}, NOTHING),
        ({"userinfo": {"email": None}}, ClaimsRequest(userinfo=("email",))),
        ({"id_token": {"name": {"essential": True}}}, ClaimsRequest(id_token=("name",))),
        ({"userinfo": {"name": {"value": {"any": "thing"}}}}, ClaimsRequest(userinfo=("name",))),
        ({"userinfo": {"name": {"values": [1, None]}, "name#de": None}}, ClaimsRequest(userinfo=("name", "name#de"))),
        ({"userinfo": {"name": {"unknown": "wish"}}, "unknown": "member"}, ClaimsRequest(userinfo=("name",))),
        ({"id_token": {"sub": {"value": "x"}}}, ClaimsRequest(id_token=("sub",), subs=frozenset({"x"}))),
        ({"userinfo": {"sub": {"values": ["x", "y"]}}}, ClaimsRequest(userinfo=("sub",), subs=frozenset({"x", "y"}))),
        ({"id_token": {"sub": None, "auth_time": {"essential": True}}}, ClaimsRequest(id_token=("sub", "auth_time"))),
        (
            {"userinfo": {"sub": {"values": ["x", "y"]}}, "id_token": {"sub": {"value": "y"}}},
            ClaimsRequest(userinfo=("sub",), id_token=("sub",), subs=frozenset({"y"})),
        ),
        ({"id_token": {"acr": None}}, ClaimsRequest(id_token=("acr",))),
        ({"id_token": {"acr": {"values": ["b", "a", "b"]}}}, ClaimsRequest(id_token=("acr",), acrs=("b", "a"))),
        (
            {"id_token": {"acr": {"essential": True, "value": "b"}}},
            ClaimsRequest(id_token=("acr",), acrs=("b",), acr_essential=True),
        ),
        ({"id_token": {"acr": {"essential": True}}}, ClaimsRequest(id_token=("acr",), acr_essential=True)),
        ({"userinfo": {"acr": {"essential": True, "value": "b"}}}, ClaimsRequest(userinfo=("acr",))),
    ],
)
def test_what_is_asked_is_read(claims: dict[str, Any], expected: ClaimsRequest) -> None:
    assert parse(json.dumps(claims)) == expected


def test_nothing_sent_asks_nothing() -> None:
    assert parse("") == NOTHING


@pytest.mark.parametrize("claims", ["x", "[]", "1", '"x"', "null", "{", "{}x", '{"userinfo": NaN}', "[" * 8000])
def test_what_is_no_json_object_is_the_clients_mistake(claims: str) -> None:
    with pytest.raises(InvalidRequest, match="JSON object"):
        parse(claims)


@pytest.mark.parametrize(
    ("claims", "about"),
    [
        ('{"userinfo": null}', "userinfo must be an object"),
        ('{"userinfo": ["email"]}', "userinfo must be an object"),
        ('{"id_token": "name"}', "id_token must be an object"),
        ('{"userinfo": {"email": true}}', "email must be null or an object"),
        ('{"userinfo": {"email": []}}', "email must be null or an object"),
        ('{"userinfo": {"email": {"essential": "true"}}}', "essential of email"),
        ('{"userinfo": {"email": {"essential": 1}}}', "essential of email"),
        ('{"userinfo": {"email": {"values": "a"}}}', "values of email"),
        ('{"id_token": {"acr": {"values": []}}}', "values of acr"),
        ('{"id_token": {"acr": {"value": "a", "values": ["b"]}}}', "with value or with values"),
        ('{"id_token": {"acr": {"value": 2}}}', "a value of acr is a text"),
        ('{"id_token": {"sub": {"value": null}}}', "a value of sub is a text"),
        ('{"userinfo": {"sub": {"value": "x"}}, "id_token": {"sub": {"value": "y"}}}', "two different people"),
        ('{"userinfo": {}, "userinfo": {"email": null}}', "twice"),
        ('{"userinfo": {"email": null, "email": {"essential": true}}}', "twice"),
    ],
)
def test_what_is_malformed_is_refused_in_words(claims: str, about: str) -> None:
    with pytest.raises(InvalidRequest, match=about):
        parse(claims)


def test_length_and_depth_have_a_limit() -> None:
    longest = json.dumps({"x": ""})
    assert parse(longest.replace('""', json.dumps("x" * (MAX_LENGTH - len(longest))))) == NOTHING
    with pytest.raises(InvalidRequest, match="characters"):
        parse(longest.replace('""', json.dumps("x" * (MAX_LENGTH - len(longest) + 1))))
    deepest = '{"x":' * MAX_DEPTH + "{}" + "}" * MAX_DEPTH
    assert parse(deepest) == NOTHING
    with pytest.raises(InvalidRequest, match="deep"):
        parse('{"x":' + deepest + "}")
    with pytest.raises(InvalidRequest, match="deep"):
        parse('{"x":' + "[" * MAX_DEPTH + "0" + "]" * MAX_DEPTH + "}")


@given(st.text(max_size=200) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidRequest):
        parse(text)


_words = st.sampled_from(["userinfo", "id_token", "sub", "acr", "email", "essential", "value", "values"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_words, _json, max_size=4))
def test_any_object_is_read_or_refused(claims: dict[str, Any]) -> None:
    try:
        read = parse(json.dumps(claims))
    except InvalidRequest:
        return
    assert set(read.userinfo) == set(claims.get("userinfo", ()))
    assert all(isinstance(one, str) for one in (*read.acrs, *read.subs))


# --- The step: never more than a scope of the client would give ------------------------------------------------------

ASKED = json.dumps({"userinfo": {"email": None, "phone_number": None}, "id_token": {"name": None, "nonsense": None}})


def decided(scope: str = "openid", choice: Choice | None = None, **changes: Any) -> AuthorizationRequest:
    request = authorization(client(**changes), scope=scope, claims=ASKED)
    request.choice = choice
    decide_scopes(request)
    at_authorization(request)
    return request


def test_a_claim_counts_as_asking_for_its_scope_and_adds_none_to_the_tokens_by_itself() -> None:
    request = decided()
    assert request.claims == RequestedClaims(userinfo=("email",), id_token=("name",)), "phone is not registered"
    assert request.claim_scopes == ("profile", "email")
    assert request.asked_scopes == request.ceiling.asked_scopes == ("openid",), "what tokens get"
    assert request.ceiling.scopes == ("openid", "profile", "email"), "what was shown and allowed"
    assert request.ceiling.claims == request.claims


def test_what_a_scope_asks_for_anyway_is_asked_once() -> None:
    request = decided("openid email")
    assert request.claim_scopes == ("profile",)
    assert request.claims.userinfo == ("email",)


def test_a_client_gets_no_claim_whose_scope_it_did_not_register() -> None:
    request = decided(scopes=("openid",))
    assert (request.claims, request.claim_scopes) == (NO_CLAIMS, ())


def test_without_openid_there_is_nothing_to_put_claims_in() -> None:
    request = decided("email")
    assert (request.claims, request.claim_scopes) == (NO_CLAIMS, ())


@pytest.mark.parametrize(
    ("ticked", "left"),
    [
        (("openid", "profile", "email"), RequestedClaims(("email",), ("name",))),
        (("openid", "profile"), RequestedClaims((), ("name",))),
        (("openid", "email"), RequestedClaims(("email",), ())),
        (("openid",), NO_CLAIMS),
    ],
)
@pytest.mark.parametrize("scope", ["openid", "openid profile email"])
def test_what_was_unticked_is_not_told(scope: str, ticked: tuple[str, ...], left: RequestedClaims) -> None:
    assert decided(scope, Choice(scopes=ticked)).ceiling.claims == left


def test_what_was_unticked_is_not_in_the_ceiling() -> None:
    assert decided(choice=Choice(scopes=("openid", "email"))).ceiling.scopes == ("openid", "email")


@pytest.mark.parametrize("scope", sorted({claim.scope for claim in CLAIMS.values()}))
def test_within_a_scope_are_its_own_claims_and_no_other(scope: str) -> None:
    every = tuple(CLAIMS)
    assert within([scope], RequestedClaims(every, every)) == RequestedClaims(claims_of(scope), claims_of(scope))
