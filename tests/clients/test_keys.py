"""Key sets of clients: what may be registered, and what is kept of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwk

from clients import keys
from common import jws
from tests.foreign_keys import KEYS, OTHERS, public

ES256, OTHER = public(KEYS["ES256"]), public(OTHERS["ES256"])
SHORT = jwk.JWK.generate(kty="RSA", size=1024)


def wrong(*of: Any) -> list[str]:
    return [one.field for one in keys.problems({"keys": list(of)})]


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_public_key_may_be_registered(algorithm: str) -> None:
    assert wrong(public(KEYS[algorithm])) == []
    assert wrong(public(KEYS[algorithm], kid="x", alg=algorithm, use="sig", key_ops=["verify"])) == []


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("x", "jwks.keys[0]"),
        ({}, "jwks.keys[0].kty"),
        (KEYS["ES256"].export_private(as_dict=True), "jwks.keys[0].d"),
        ({"kty": "oct", "k": "AAAA"}, "jwks.keys[0].k"),
        (public(SHORT), "jwks.keys[0].n"),
        ({**ES256, "x": "AAAA"}, "jwks.keys[0].x"),
        ({**ES256, "kid": 1}, "jwks.keys[0].kid"),
        ({**ES256, "kid": "x" * 256}, "jwks.keys[0].kid"),
        ({**ES256, "kid": "a\nb"}, "jwks.keys[0].kid"),
        ({**ES256, "use": "enc"}, "jwks.keys[0].use"),
        ({**ES256, "key_ops": ["sign"]}, "jwks.keys[0].key_ops"),
        ({**ES256, "key_ops": "verify"}, "jwks.keys[0].key_ops"),
        ({**ES256, "alg": "RS256"}, "jwks.keys[0].alg"),
        ({**ES256, "alg": "ES384"}, "jwks.keys[0].alg"),
        ({**ES256, "alg": ["ES256"]}, "jwks.keys[0].alg"),
    ],
)
def test_other_keys_are_a_problem_at_their_place(key: Any, field: str) -> None:
    assert wrong(key) == [field]
    assert wrong(OTHER, key) == [field.replace("[0]", "[1]")]


@pytest.mark.parametrize("jwks", [[], "x", {}, {"keys": {}}, {"keys": None}, 1])
def test_what_is_no_key_set_is_a_problem(jwks: Any) -> None:
    assert [one.field for one in keys.problems(jwks)] == ["jwks"]


def test_there_are_ten_at_most_and_no_two_of_one_id() -> None:
    assert wrong(*[ES256] * 11) == ["jwks.keys"]
    assert wrong({**ES256, "kid": "x"}, {**OTHER, "kid": "x"}) == ["jwks.keys[1].kid"]
    assert wrong(ES256, ES256) == ["jwks.keys[1].kid"], "without an ID, the thumbprint is one"


def test_kept_is_what_makes_a_key_its_id_and_its_algorithm() -> None:
    said = {**ES256, "kid": "x", "alg": "ES256", "use": "sig", "x5c": ["AAAA"], "other": 1}
    assert keys.settled({"keys": [said]}) == {"keys": [{**ES256, "kid": "x", "alg": "ES256"}]}
    assert keys.settled({"keys": [ES256]}) == {"keys": [{**ES256, "kid": jws.thumbprint(ES256)}]}
    assert keys.settled({"keys": []}) is None
    assert keys.settled(None) is None


def test_another_key_of_the_same_id_is_told_as_another() -> None:
    one, other = ({"keys": [{**key, "kid": "x"}]} for key in (ES256, OTHER))
    assert keys.described(one) != keys.described(other)
    assert keys.described(one) == [f"x (EC, {jws.thumbprint(ES256)})"]


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
members = st.sampled_from(["kty", "n", "e", "crv", "x", "y", "alg", "kid", "use", "key_ops"])
odd_keys = st.dictionaries(members, json_values, max_size=4).map(lambda other: {**ES256, **other})


@given(json_values | st.lists(odd_keys | json_values, max_size=3).map(lambda found: {"keys": found}))
def test_whatever_json_comes_has_problems_or_is_settled(jwks: Any) -> None:
    problems = keys.problems(jwks)
    settled = keys.settled(jwks)
    keys.described(jwks)
    keys.thumbprints(jwks)
    if not problems:
        assert settled is None or keys.problems(settled) == []
        assert keys.settled(settled) == settled
