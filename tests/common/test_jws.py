"""Compact JWS: what is believed, and what is not."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import example, given
from hypothesis import strategies as st
from jwcrypto import jwk
from jwcrypto.jws import JWS

from common import jws
from common.jws import ALGORITHMS
from tests.foreign_keys import KEYS, OTHERS, public, signed

WEAK = jwk.JWK.generate(kty="RSA", size=1024)
P384 = jwk.JWK.generate(kty="EC", crv="P-384")
ED448 = jwk.JWK.generate(kty="OKP", crv="Ed448")
X25519 = jwk.JWK.generate(kty="OKP", crv="X25519")
CLAIMS = {"iss": "somebody", "number": 1}


def test_a_signature_by_an_algorithm_that_is_not_in_the_table_is_not_believed() -> None:
    """Such a key may be stored still when its algorithm is taken away."""
    key = ec.generate_private_key(ec.SECP256R1())
    header = jws.encode(b'{"alg":"ES256"}')
    payload, signature = jws.sign(header, b"{}", "ES256", key).split(".")[1:]
    assert jws.payload_of(header, payload, signature, "ES256", key.public_key()) == b"{}"
    assert jws.payload_of(header, payload, signature, "ES999", key.public_key()) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_we_sign_others_verify_and_the_other_way_round(algorithm: str) -> None:
    ours = jws.sign(jws.encode(json.dumps({"alg": algorithm}).encode()), b'{"a":1}', algorithm, _private(algorithm))
    theirs = jwk.JWK(**public(KEYS[algorithm]))
    read = _verified_by_jwcrypto(ours, theirs, algorithm)
    assert json.loads(read) == {"a": 1}
    parts = jws.parts(signed(KEYS[algorithm], algorithm, CLAIMS))
    assert parts is not None
    assert parts.claims == CLAIMS
    assert parts.verified_by(jws.public_key(public(KEYS[algorithm])), algorithm)


def _private(algorithm: str) -> Any:
    return KEYS[algorithm].get_op_key("sign")


def _verified_by_jwcrypto(token: str, key: jwk.JWK, algorithm: str) -> bytes:
    read = JWS()
    read.allowed_algs = [algorithm]
    read.deserialize(token, key)
    payload: bytes = read.payload
    return payload


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("claimed", ALGORITHMS)
def test_a_token_is_verified_by_the_algorithm_it_names_only(algorithm: str, claimed: str) -> None:
    """RS256 and PS256 have keys of one kind: without this, the weaker one could be had for the other."""
    parts = jws.parts(signed(KEYS[algorithm], algorithm, CLAIMS))
    assert parts is not None
    assert parts.verified_by(jws.public_key(public(KEYS[algorithm])), claimed) is (algorithm == claimed)


def test_another_key_or_other_claims_are_not_believed() -> None:
    token = signed(KEYS["ES256"], "ES256", CLAIMS)
    parts = jws.parts(token)
    assert parts is not None
    assert not parts.verified_by(jws.public_key(public(OTHERS["ES256"])), "ES256")
    head, _body, proof = token.split(".")
    forged = jws.parts(f"{head}.{jws.encode(b'{}')}.{proof}")
    assert forged is not None
    assert not forged.verified_by(jws.public_key(public(KEYS["ES256"])), "ES256")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_which_keys_fit_which_algorithms(algorithm: str) -> None:
    for other in ALGORITHMS:
        assert jws.fits(algorithm, jws.public_key(public(KEYS[other]))) is (KEYS[other] is KEYS[algorithm])
    assert not jws.fits("HS256", jws.public_key(public(KEYS[algorithm])))
    assert not jws.fits("none", jws.public_key(public(KEYS[algorithm])))


# --- Keys of others ------------------------------------------------------------------------------------------------


def test_a_public_key_is_read() -> None:
    key = jws.public_key(public(KEYS["RS256"], kid="x", use="sig"))
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048


RSA_KEY, EC_KEY, OKP_KEY = public(KEYS["RS256"]), public(KEYS["ES256"]), public(KEYS["EdDSA"])


@pytest.mark.parametrize(
    ("key", "why"),
    [
        pytest.param(KEYS["RS256"].export_private(as_dict=True), "no private part", id="D1-private-rsa"),
        pytest.param(KEYS["ES256"].export_private(as_dict=True), "no private part", id="D1-private-ec"),
        pytest.param(KEYS["EdDSA"].export_private(as_dict=True), "no private part", id="D1-private-okp"),
        pytest.param({**RSA_KEY, "dp": ""}, "no private part", id="D1-an-empty-private-member"),
        pytest.param({"kty": "oct", "k": "AAAA"}, "no private part", id="D1-symmetric"),
        pytest.param({"kty": "oct"}, "RSA, EC on", id="D1-symmetric-without-its-secret"),
        pytest.param(public(WEAK), "2048 bits", id="F3-short-rsa"),
        pytest.param({**RSA_KEY, "n": jws.encode(b"\xff" * 2048)}, "8192 at most", id="long-rsa"),
        pytest.param({**RSA_KEY, "n": jws.encode(b"\xfe" * 256)}, "2048 bits", id="even-modulus"),
        pytest.param({**RSA_KEY, "e": "AQ"}, "exponent", id="exponent-1"),
        pytest.param({**RSA_KEY, "e": "AQAC"}, "exponent", id="even-exponent"),
        pytest.param({**RSA_KEY, "e": jws.encode(b"\x01" * 5)}, "exponent", id="long-exponent"),
        pytest.param({**RSA_KEY, "n": 1}, r"right length\. \(n\)", id="G9-n-is-a-number"),
        pytest.param({**RSA_KEY, "e": None}, r"right length\. \(e\)", id="G9-e-is-null"),
        pytest.param({**RSA_KEY, "n": RSA_KEY["n"] + "="}, r"right length\. \(n\)", id="padded"),
        pytest.param({**EC_KEY, "x": EC_KEY["y"]}, "not on the curve", id="not-on-the-curve"),
        pytest.param({**EC_KEY, "x": EC_KEY["x"][:-2]}, r"right length\. \(x\)", id="short-x"),
        pytest.param({**EC_KEY, "crv": ["P-256"]}, "RSA, EC on", id="G9-crv-is-a-list"),
        pytest.param(public(P384), "RSA, EC on", id="P-384"),
        pytest.param({**OKP_KEY, "x": "AAAA"}, r"right length\. \(x\)", id="short-okp"),
        pytest.param(public(ED448), "RSA, EC on", id="Ed448"),
        pytest.param(public(X25519), "RSA, EC on", id="X25519"),
        pytest.param({"kty": {}}, "RSA, EC on", id="G9-kty-is-an-object"),
        pytest.param({}, "RSA, EC on", id="nothing"),
    ],
)
def test_other_keys_are_refused(key: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        jws.public_key(key)


@pytest.mark.parametrize("sign", ["", "80"], ids=["", "with a sign"])
@pytest.mark.parametrize(
    "point",
    [
        f"{'00' * 32}",
        f"01{'00' * 31}",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        f"ec{'ff' * 30}7f",
        f"ed{'ff' * 30}7f",
        f"ee{'ff' * 30}7f",
    ],
)
def test_a_key_that_anybody_can_sign_with_is_refused(point: str, sign: str) -> None:
    """The neutral point, and others of a small order: whoever registers one lets everybody in."""
    data = bytes.fromhex(point)
    data = bytes((*data[:31], data[31] | int(sign or "0", 16)))
    with pytest.raises(jws.BadKey, match="anybody can sign"):
        jws.public_key({"kty": "OKP", "crv": "Ed25519", "x": jws.encode(data)})


def test_such_a_key_would_verify_anything() -> None:
    neutral = b"\1" + bytes(31)
    ed25519.Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), b"anything at all")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_thumbprint_is_that_of_rfc_7638(algorithm: str) -> None:
    assert jws.thumbprint(public(KEYS[algorithm], kid="x", alg=algorithm)) == KEYS[algorithm].thumbprint()


def test_the_thumbprint_of_the_rfc() -> None:
    """RFC 7638 section 3.1."""
    key = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
        "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0"
        "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF"
        "Cur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert jws.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
members = st.sampled_from(["kty", "n", "e", "crv", "x", "y", "d", "k", "alg", "kid", "use"])


@given(st.sampled_from([RSA_KEY, EC_KEY, OKP_KEY, {}]), st.dictionaries(members, json_values, max_size=4))
def test_whatever_json_comes_is_a_key_or_a_value_error(key: dict[str, Any], other: dict[str, Any]) -> None:
    for read in (jws.public_key, jws.thumbprint):
        with contextlib.suppress(ValueError):
            read({**key, **other})


# --- Tokens of others ----------------------------------------------------------------------------------------------


def token_of(header: bytes, claims: bytes, signature: bytes = b"x") -> str:
    return ".".join(jws.encode(part) for part in (header, claims, signature))


def test_a_foreign_token_is_read() -> None:
    parts = jws.parts(token_of(b'{"alg":"ES256","typ":"x"}', b'{"a":{"b":[1]}}'))
    assert parts is not None
    assert (parts.header, parts.claims) == ({"alg": "ES256", "typ": "x"}, {"a": {"b": [1]}})
    assert (parts.algorithm, parts.signature) == ("ES256", b"x")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("a.b", id="two-parts"),
        pytest.param("e30.e30.e30.e30.e30", id="encrypted"),
        pytest.param(token_of(b"{}", b"[]"), id="claims-are-a-list"),
        pytest.param(token_of(b'"x"', b"{}"), id="the-header-is-a-text"),
        pytest.param(token_of(b"{}", b"{}", b""), id="no-signature"),
        pytest.param(token_of(b'{"alg":"ES256","alg":"none"}', b"{}"), id="the-header-twice"),
        pytest.param(token_of(b"{}", b'{"aud":"we","aud":"they"}'), id="a-claim-twice"),
        pytest.param(token_of(b"{}", b'{"a":{"b":1,"b":2}}'), id="a-member-twice-within"),
        pytest.param(token_of(b"{}", b'{"a":1,"\\u0061":2}'), id="a-claim-twice-in-another-spelling"),
        pytest.param(token_of(b'{"crit":["b64"],"b64":false}', b"{}"), id="crit"),
        pytest.param(token_of(b'{"crit":null}', b"{}"), id="crit-is-null"),
        pytest.param(token_of(b'{"b64":true}', b"{}"), id="b64"),
        pytest.param(token_of(b"{}", b'{"a":NaN}'), id="a-number-that-is-none"),
        pytest.param(token_of(b"{}", b'{"a":1e999}'), id="infinity"),
        pytest.param(token_of(b"{}", b'{"a":"\\ud800"}'), id="half-a-character"),
        pytest.param(token_of(b"{}", b'{"a":"\xff"}'), id="no-utf-8"),
        pytest.param(token_of(b"{}", b"\xef\xbb\xbf{}"), id="a-byte-order-mark"),
        pytest.param(token_of(b"{}", '{"a":1}'.encode("utf-16")), id="utf-16"),
        pytest.param(token_of(b"{}", b"[" * 5000 + b"]" * 5000), id="deep"),
        pytest.param(token_of(b"{}", b'{"a":' + b"[" * 900 + b"]" * 900 + b"}") + "=", id="padded"),
        pytest.param(" " + token_of(b"{}", b"{}"), id="a-space-before"),
        pytest.param(token_of(b"{}", b"{}") + "\n", id="a-line-end"),
        pytest.param(token_of(b"{}", b"{}").replace("e30", "e31"), id="bits-left-over"),
        pytest.param(token_of(b"{}", b'{"a":"' + b"x" * jws.MAX_FOREIGN + b'"}'), id="long"),
        pytest.param("é.é.é", id="not-ascii"),
    ],
)
def test_a_token_that_can_be_read_in_two_ways_is_not_read(token: str) -> None:
    assert jws.parts(token) is None


@pytest.mark.parametrize("alg", [None, 1, ["ES256"], {"a": 1}, ""])
def test_an_algorithm_that_is_no_text_is_none_g9(alg: Any) -> None:
    parts = jws.parts(token_of(json.dumps({"alg": alg}).encode(), b"{}"))
    assert parts is not None
    assert parts.algorithm == ""
    assert not parts.verified_by(jws.public_key(EC_KEY), "")


@given(st.text(max_size=200) | st.lists(st.binary(max_size=60), min_size=3, max_size=3).map(lambda b: token_of(*b)))
@example("..")
def test_whatever_text_comes_is_a_token_or_none(text: str) -> None:
    parts = jws.parts(text)
    assert parts is None or isinstance(parts.claims, dict)


@given(
    st.dictionaries(st.text(max_size=8), json_values, max_size=4),
    st.dictionaries(st.text(max_size=8), json_values, max_size=4),
)
def test_whatever_json_comes_is_read_or_refused(header: dict[str, Any], claims: dict[str, Any]) -> None:
    parts = jws.parts(token_of(json.dumps(header).encode(), json.dumps(claims).encode()))
    if parts is not None:
        for algorithm in ALGORITHMS:
            assert not parts.verified_by(jws.public_key(public(KEYS[algorithm])), algorithm)
