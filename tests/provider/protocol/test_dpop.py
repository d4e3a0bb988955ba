"""What the header and the claims of a DPoP proof have to say (RFC 9449 section 4.3, rules D1, D3, D4, D14, F13, G9)."""

from __future__ import annotations

from typing import Any

import pytest

from common.jws import PROOFS as ALGORITHMS
from provider.protocol import dpop
from provider.protocol.dpop import MAX_AGE, Expected, hash_of, normalized
from provider.protocol.errors import InvalidDpopProof, InvalidRequest
from provider.protocol.facts import Json
from tests.provider.protocol.building import authorization

NOW = 1_800_000_000
URL = "https://login.example/oauth2/token"
EXPECTED = Expected("POST", {URL}, NOW)
HEADER: dict[str, Json] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC"}}
CLAIMS: dict[str, Json] = {"jti": "one", "htm": "POST", "htu": URL, "iat": NOW}


def refused(part: str, name: str, *value: Any) -> bool:
    """With this value, or without the member: whether it is, and the sentence names this."""
    changed: dict[str, Json] = {
        key: one for key, one in (HEADER | CLAIMS | dict.fromkeys([name], *value)).items() if value or key != name
    }
    header = {key: changed[key] for key in HEADER if key in changed}
    claims = {key: one for key, one in changed.items() if key not in HEADER}
    try:
        dpop.key_of(header, ALGORITHMS)
        dpop.check(claims, EXPECTED)
        dpop.nonce_of(claims)
    except InvalidDpopProof as refusal:
        return part in str(refusal)
    return False


def test_a_whole_proof_is_right() -> None:
    assert dpop.key_of(HEADER, ALGORITHMS) == ("ES256", {"kty": "EC"})
    used = dpop.check(CLAIMS, EXPECTED)
    assert used.jti == "one"
    assert MAX_AGE < used.seconds < MAX_AGE + 120, "remembered for longer than anybody takes it for fresh (D5)"


@pytest.mark.parametrize("name", ["typ", "alg", "jwk", "jti", "htm", "htu", "iat"], ids=lambda name: f"D14 {name}")
def test_without_one_of_its_seven_members_it_is_none(name: str) -> None:
    assert refused(name, name)


@pytest.mark.parametrize(
    "name", ["typ", "alg", "jwk", "jti", "htm", "htu", "iat", "nonce"], ids=lambda name: f"G9 {name}"
)
@pytest.mark.parametrize("value", [None, 7, True, [], {}, ["x"], "", float("nan")], ids=repr)
def test_a_member_of_another_type_is_refused_like_a_missing_one(name: str, value: Any) -> None:
    right = (name, value) in (("iat", 7), ("nonce", ""))  # a number, but long ago; no nonce
    if name == "jwk" and isinstance(value, dict):
        return  # an object, which is no key: `common.jws` says so
    assert refused("", name, value) or right


@pytest.mark.parametrize(
    "typ", ["JWT", "at+jwt", "DPOP+JWT", "application/dpop+jwt", "dpop+jwt "], ids=lambda typ: f"D1 {typ}"
)
def test_only_its_own_type_exactly(typ: str) -> None:
    assert refused("typ", "typ", typ)


@pytest.mark.parametrize(
    "algorithm", ["none", "HS256", "HS512", "RS256", "ES384", "es256", "A128KW"], ids=lambda one: f"D1 {one}"
)
def test_only_asymmetric_algorithms_of_the_table(algorithm: str) -> None:
    assert refused("alg", "alg", algorithm)


@pytest.mark.parametrize("method", ["post", "Post", "GET", "POST "], ids=lambda one: f"D4 {one!r}")
def test_the_method_is_compared_exactly(method: str) -> None:
    assert refused("htm", "htm", method)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"{URL}?grant_type=x",
        f"{URL}#there",
        f"{URL}/",
        "HTTPS://login.example/oauth2/token",
        "https://LOGIN.example/oauth2/token",
        "https://login.example:443/oauth2/token",
    ],
    ids=lambda url: f"D3 {url}",
)
def test_the_url_is_compared_as_urls_are(url: str) -> None:
    assert not refused("", "htu", url)


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example/oauth2/TOKEN",
        "https://login.example/oauth2/userinfo",
        "https://login.example:8443/oauth2/token",
        "https://login.example.evil.example/oauth2/token",
        "https://login.example@evil.example/oauth2/token",
        "https://evil@login.example/oauth2/token",
        "http://login.example/oauth2/token",
        "//login.example/oauth2/token",
        "/oauth2/token",
        "https://login.example:x/oauth2/token",
        "https://[::1/oauth2/token",
        "https://login.example/oauth2/token\n",
        "https://login.example//oauth2/token",
        "ftp://login.example/oauth2/token",
        "https://" + "a" * 3000,
        "https://l\u00f6gin.example/oauth2/token",
    ],
    ids=lambda url: f"D3 not {url[:50]!r}",
)
def test_another_url_is_another_url(url: str) -> None:
    assert refused("htu", "htu", url)


def test_addresses_in_brackets_have_ports_too() -> None:
    assert normalized("http://[::1]:80/x/") == "http://[::1]/x"
    assert normalized("http://[::1]:8000/x?a#b") == "http://[::1]:8000/x"


@pytest.mark.parametrize(
    ("moved", "right"),
    [(0, True), (10, True), (-10, True), (0.5, True), (61, False), (3600, False), (-3600, False), (-MAX_AGE, True)],
    ids=lambda one: f"F13 {one}",
)
def test_clocks_may_differ_a_little(moved: float, right: bool) -> None:
    assert refused("iat", "iat", NOW + moved) is not right


@pytest.mark.parametrize("jti", ["x" * 513, ""], ids=["too long", "empty"])
def test_what_names_it_has_a_length(jti: str) -> None:
    assert refused("jti", "jti", jti)


def test_with_an_access_token_its_hash_is_needed() -> None:
    """D10."""
    at_a_resource = Expected("POST", {URL}, NOW, "the-token")
    assert dpop.check({**CLAIMS, "ath": hash_of("the-token").decode()}, at_a_resource).jti == "one"
    for wrong in (None, 7, "", hash_of("another").decode(), hash_of("the-token").decode() + "=", "\u00e9"):
        with pytest.raises(InvalidDpopProof, match="ath"):
            dpop.check({**CLAIMS, "ath": wrong}, at_a_resource)
    with pytest.raises(InvalidDpopProof, match="ath"):
        dpop.check(CLAIMS, at_a_resource)


@pytest.mark.parametrize("jkt", ["x", "A" * 42, "A" * 44, "A" * 42 + "=", "\u00e4" * 43, "A" * 42 + "\n"], ids=repr)
def test_a_thumbprint_at_authorization_has_its_form(jkt: str) -> None:
    """D11."""
    with pytest.raises(InvalidRequest, match="dpop_jkt"):
        dpop.at_authorization(authorization(dpop_jkt=jkt))
    dpop.at_authorization(authorization(dpop_jkt="A" * 43))
    dpop.at_authorization(authorization())
