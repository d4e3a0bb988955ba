"""What a request object may say, and how it becomes parameters (RFC 9101)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.protocol.errors import InvalidRequestObject
from provider.protocol.request import Params
from provider.protocol.request_object import Expected, parameters

ISSUER, NOW = "https://id.example", 1_800_000_000
USUAL = {"iss": "web", "aud": ISSUER, "client_id": "web", "response_type": "code", "scope": "openid"}


def read(beside: dict[str, str] | None = None, dated: bool = False, **claims: Any) -> Params:
    said = {name: value for name, value in {**USUAL, **claims}.items() if value is not None}
    expected = Expected("web", ISSUER, NOW, dated)
    return Params(parameters(said, Params([*(beside or {"client_id": "web"}).items()]), expected))


def test_what_is_about_the_jwt_is_no_parameter() -> None:
    found = read(exp=NOW + 60, nbf=NOW, iat=NOW, jti="j", state="s")
    assert dict(found.pairs) == {"client_id": "web", "response_type": "code", "scope": "openid", "state": "s"}


def test_values_are_as_they_would_stand_in_an_address() -> None:
    claims = {"userinfo": {"email": None}}
    found = read(max_age=60, include_granted_scopes=True, claims=claims, resource=["https://a", "https://b"])
    assert (found.one("max_age"), found.one("include_granted_scopes")) == ("60", "true")
    assert json.loads(found.one("claims")) == claims
    assert found.many("resource") == ["https://a", "https://b"]


def test_the_client_need_not_be_named_twice() -> None:
    assert read(client_id=None).one("client_id") == "web"


def test_what_stands_beside_counts_for_nothing() -> None:
    found = read({"client_id": "web", "state": "outside", "scope": "openid", "redirect_uri": "https://x"})
    assert (found.has("state"), found.has("redirect_uri")) == (False, False)


@pytest.mark.parametrize("name", ["client_id", "response_type"])
def test_what_may_stand_in_both_places_says_the_same(name: str) -> None:
    with pytest.raises(InvalidRequestObject, match="not the one beside it"):
        read({"client_id": "web", name: "another"})


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None},
        {"iss": "other"},
        {"iss": 5},
        {"iss": ["web"]},
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": {"a": ISSUER}},
        {"aud": []},
        {"aud": 7},
        {"sub": "web"},
        {"client_id": "other"},
        {"exp": NOW - 61},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": NOW + 61},
        {"iat": NOW + 61},
        {"iat": "now"},
        {"request": "a.b.c"},
        {"request_uri": "urn:x"},
        {"scope": ["openid"]},
        {"scope": {"a": "b"}},
        {"scope": 1.5},
        {"state": "\0"},
        {"state": "s" * 20_000},
        {"max_age": 10**20},
        {"resource": [1.5]},
        {"resource": [["https://a"]]},
        {"redirect_uri": ["https://a"]},
        {f"p{number}": "x" for number in range(101)},
    ],
    ids=str,
)
def test_these_are_refused_g9(claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestObject):
        read(**claims)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": ["https://other.example", ISSUER]},
        {"sub": "somebody"},
        {"exp": NOW + 10**6},
        {"nbf": NOW + 10, "iat": NOW + 10},
        {"exp": NOW - 10},
        {"nbf": NOW - 10**6},
    ],
    ids=str,
)
def test_these_are_read_f13(claims: dict[str, Any]) -> None:
    """Clocks differ by a few seconds. Outside the profile a request object need not end."""
    assert read(**claims).one("scope") == "openid"


HOUR = 3600


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"nbf": NOW, "exp": NOW + 300}, True),
        ({"nbf": NOW - HOUR + 10, "exp": NOW + 5}, True),
        ({"nbf": NOW + 8, "exp": NOW + 300}, True),
        ({"nbf": NOW}, False),
        ({"exp": NOW + 300}, False),
        ({}, False),
        ({"nbf": NOW - HOUR - 60, "exp": NOW + 5}, False),
        ({"nbf": NOW, "exp": NOW + HOUR + 60}, False),
        ({"nbf": NOW + 61, "exp": NOW + 300}, False),
        ({"nbf": NOW - 600, "exp": NOW - 300}, False),
    ],
    ids=str,
)
def test_for_message_signing_it_says_from_when_until_when(claims: dict[str, Any], good: bool) -> None:
    if good:
        assert read(dated=True, **claims).one("scope") == "openid"
    else:
        with pytest.raises(InvalidRequestObject):
            read(dated=True, **claims)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*USUAL, "exp", "nbf", "iat", "sub", "request", "claims", "resource"]) | st.text()


@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_whatever_it_says_is_read_or_refused(claims: dict[str, Any]) -> None:
    for said in (claims, {**USUAL, **claims}):
        try:
            pairs = parameters(said, Params(), Expected("web", ISSUER, NOW))
        except InvalidRequestObject:
            continue
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in pairs)
