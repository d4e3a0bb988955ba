"""Access tokens checked locally: the good ones pass, everything somebody could make instead does not."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from jwcrypto import jwk
from vestibule_verifier import AccessToken, InsufficientScope, Invalid, LocalVerifier, Provider

from tests.provider import (
    KEYS,
    ORDERS,
    TestProvider,
    compact,
    encoded,
    key,
    public,
    signature,
    signed,
)


@pytest.mark.parametrize("name", ["ec-1", "rsa-1"])
@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt"])
def test_a_good_token_says_who_for_what_and_until_when(
    provider: TestProvider, local: LocalVerifier, name: str, typ: str
) -> None:
    claims = provider.access_claims(acr="silver")
    token = local.verify(signed(claims, name, typ=typ), scope="orders.read")
    assert token == AccessToken(
        subject="9b2f2f9a-person",
        client_id="web",
        scopes=frozenset({"openid", "orders.read"}),
        audience=(ORDERS,),
        audience_here=(ORDERS,),
        expires_at=claims["exp"],
        claims=claims,
    )
    assert not token.is_client
    assert "silver" not in repr(token)


def test_a_clients_own_token_is_told_from_a_persons(provider: TestProvider, local: LocalVerifier) -> None:
    assert local.verify(signed(provider.access_claims(sub="web"))).is_client


def test_every_scope_that_is_asked_for_has_to_be_there(provider: TestProvider, local: LocalVerifier) -> None:
    token = signed(provider.access_claims())
    assert local.verify(token, scope="orders.read openid")
    with pytest.raises(InsufficientScope, match=r"orders\.read orders\.write"):
        local.verify(token, scope="orders.write orders.read")
    with pytest.raises(InsufficientScope):
        local.verify(signed(provider.access_claims(scope=None)), scope="orders.read")
    with pytest.raises(InsufficientScope):
        local.verify(signed(provider.access_claims(scope="orders.reader")), scope="orders.read")


def test_a_scope_that_cannot_be_one_is_the_developers_mistake(provider: TestProvider, local: LocalVerifier) -> None:
    with pytest.raises(ValueError, match="no scope has"):
        local.verify(signed(provider.access_claims()), scope='orders"read')


def refused(local: LocalVerifier, token: str, match: str = "did not sign it") -> None:
    with pytest.raises(Invalid, match=match):
        local.verify(token)


@pytest.mark.parametrize("alg", ["none", "None", "", None, "HS256", "RS512", "ES384", ["ES256"], {"a": 1}])
def test_an_algorithm_that_is_not_ours(provider: TestProvider, local: LocalVerifier, alg: Any) -> None:
    refused(local, signed(provider.access_claims(), alg=alg))
    assert provider.asked(KEYS) == 0


def test_a_token_without_signature(provider: TestProvider, local: LocalVerifier) -> None:
    unsigned = compact({"alg": "none", "kid": "ec-1", "typ": "at+jwt"}, provider.access_claims(), lambda _data: b"")
    refused(local, unsigned)
    refused(local, signed(provider.access_claims()).rpartition(".")[0] + ".")
    refused(local, signed(provider.access_claims()).rpartition(".")[0])


def test_an_hmac_whose_secret_is_the_public_key(provider: TestProvider, local: LocalVerifier) -> None:
    entry = public("rsa-1")
    pem = key("rsa-1").export_to_pem()
    for secret in (pem, pem.strip(), json.dumps(entry).encode(), entry["n"].encode()):
        for alg in ("HS256", "RS256"):
            header = {"alg": alg, "kid": "rsa-1", "typ": "at+jwt"}
            refused(local, compact(header, provider.access_claims(), hmac_by(secret)))


def hmac_by(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


def test_a_symmetric_key_in_the_jwks_is_no_key(provider: TestProvider, local: LocalVerifier) -> None:
    shared = jwk.JWK.generate(kty="oct", size=256, kid="oct-1")
    provider.documents[KEYS]["keys"].append({**shared.export(as_dict=True), "alg": "HS256"})
    forged = compact(
        {"alg": "HS256", "kid": "oct-1", "typ": "at+jwt"}, provider.access_claims(), signature("HS256", shared)
    )
    refused(local, forged)


def test_the_algorithm_is_the_keys_and_the_token_has_to_agree(provider: TestProvider, local: LocalVerifier) -> None:
    refused(local, signed(provider.access_claims(), "rsa-1", alg="ES256"))
    refused(local, signed(provider.access_claims(), "ec-1", alg="RS256"))
    same_key_other_padding = compact(
        {"alg": "PS256", "kid": "rsa-1", "typ": "at+jwt"}, provider.access_claims(), signature("PS256", key("rsa-1"))
    )
    refused(local, same_key_other_padding)


@pytest.mark.parametrize("kid", ["ec-unknown", "rsa-1", "", None, 7, ["ec-1"], "k" * 300])
def test_another_key_id(provider: TestProvider, local: LocalVerifier, kid: Any) -> None:
    refused(local, signed(provider.access_claims(), kid=kid))


def test_a_forgers_key_under_a_known_name(provider: TestProvider, local: LocalVerifier) -> None:
    forger = key("ec-forger")
    for more in ({}, {"jwk": forger.export_public(as_dict=True)}, {"jku": "https://forger.example/keys"}):
        header = {"alg": "ES256", "kid": "ec-1", "typ": "at+jwt", **more}
        refused(local, compact(header, provider.access_claims(), signature("ES256", forger)))


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": {"kty": "EC"}},
        {"jku": "https://id.example/keys"},
        {"x5u": "https://id.example/certificate"},
        {"x5c": ["certificate"]},
        {"x5t": "print"},
        {"x5t#S256": "print"},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": True},
        {"zip": "DEF"},
    ],
)
def test_headers_about_keys_are_refused_even_when_genuine(
    provider: TestProvider, local: LocalVerifier, header: dict[str, Any]
) -> None:
    refused(local, signed(provider.access_claims(), **header))


@pytest.mark.parametrize("typ", ["JWT", None, "", "AT+JWT", "jwt", "token-introspection+jwt", 1, ["at+jwt"]])
def test_another_type_of_token(provider: TestProvider, local: LocalVerifier, typ: Any) -> None:
    refused(local, signed(provider.access_claims(), typ=typ), "not a JWT access token")


def test_an_id_token_is_no_access_token_whatever_its_claims(provider: TestProvider, local: LocalVerifier) -> None:
    claims = {**provider.access_claims(), **provider.id_claims(aud=ORDERS), "scope": "orders.read", "client_id": "web"}
    refused(local, signed(claims, typ="JWT"), "An ID token is not accepted")


@pytest.mark.parametrize("change", [{"iss": "https://other.example"}, {"iss": None}, {"iss": ["x"]}])
def test_another_issuer(provider: TestProvider, local: LocalVerifier, change: dict[str, Any]) -> None:
    refused(local, signed(provider.access_claims(**change)), "another issuer")


def test_the_issuer_is_compared_exactly(provider: TestProvider, local: LocalVerifier) -> None:
    for issuer in (provider.issuer + "/", provider.issuer.upper(), provider.issuer.replace("127.0.0.1", "localhost")):
        refused(local, signed(provider.access_claims(iss=issuer)), "another issuer")


MISSING = "lacks a"


@pytest.mark.parametrize("name", ["exp", "iat", "sub", "client_id", "jti"])
@pytest.mark.parametrize("value", [None, "", [], {}, True])
def test_a_claim_that_is_missing_or_of_the_wrong_kind(
    provider: TestProvider, local: LocalVerifier, name: str, value: Any
) -> None:
    refused(local, signed(provider.access_claims(**{name: value})), MISSING)


@pytest.mark.parametrize("value", ["1e999", "-1", "NaN", "Infinity", "1" + "0" * 400, "9" * 5000, '"1999999999"'])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_a_time_that_is_none(provider: TestProvider, local: LocalVerifier, name: str, value: str) -> None:
    text = json.dumps({**provider.access_claims(), name: "THE-TIME"}).replace('"THE-TIME"', value)
    refused(local, signed(text.encode()), "lacks a time|did not sign it")


def test_the_clocks_may_differ_by_a_minute(provider: TestProvider, local: LocalVerifier) -> None:
    start = 1_900_000_000
    with time_machine.travel(start, tick=False) as clock:
        token = signed(provider.access_claims(exp=start + 600))
        for moment, good in ((-61, False), (-60, True), (600, True), (659, True), (660, False)):
            clock.move_to(start + moment)
            if good:
                assert local.verify(token)
            else:
                refused(local, token, "not valid yet" if moment < 0 else "expired")


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_token_from_the_future(provider: TestProvider, local: LocalVerifier, name: str) -> None:
    refused(local, signed(provider.access_claims(**{name: time.time() + 120})), "not valid yet")


def test_a_scope_that_is_a_list(provider: TestProvider, local: LocalVerifier) -> None:
    refused(local, signed(provider.access_claims(scope=["orders.read"])), "scope is malformed")


def test_one_bit_changed_anywhere(provider: TestProvider, local: LocalVerifier) -> None:
    token = signed(provider.access_claims())
    local.verify(token)
    for place in range(len(token)):
        changed = token[:place] + chr(ord(token[place]) ^ 1) + token[place + 1 :]
        with pytest.raises(Invalid):
            local.verify(changed)


Spoiler = Callable[[str], str]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token[1:],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: token + ".",
        lambda token: token + ".AA",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token.replace(".", "..", 1),
        lambda token: token.replace("-", "+").replace("_", "/") + "/",
        lambda _token: "",
        lambda _token: ".",
        lambda _token: "..",
        lambda token: "é" + token,
        lambda token: "\ud800" + token,
        lambda token: "\0" + token,
        lambda token: token + "A" * 5_000_000,
        lambda _token: "." * 5_000_000,
        lambda token: "{" + json.dumps(token) + "}",
        lambda token: json.dumps(dict(zip(("protected", "payload", "signature"), token.split("."), strict=True))),
    ],
)
def test_text_around_or_instead_of_a_token(provider: TestProvider, local: LocalVerifier, spoil: Spoiler) -> None:
    refused(local, spoil(signed(provider.access_claims())))


def test_a_genuine_token_has_a_length_to_keep_to(provider: TestProvider, local: LocalVerifier) -> None:
    assert len(local.verify(signed(provider.access_claims(padding="x" * 11_000))).claims["padding"]) == 11_000
    refused(local, signed(provider.access_claims(padding="x" * 13_000)))


def test_spare_bits_do_not_make_a_second_text_for_a_token(provider: TestProvider, local: LocalVerifier) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = signed(provider.access_claims())
    last = alphabet.index(token[-1])
    others = [token[:-1] + alphabet[last ^ spare] for spare in (1, 2, 8)]
    for other in others:
        refused(local, other)


@pytest.mark.parametrize(
    "payload", [b"[]", b'"text"', b"null", b"", b"{", b"\xff", b"[" * 9000, b'{"iss": "a", "iss": "a"}']
)
def test_claims_that_are_no_object(provider: TestProvider, local: LocalVerifier, payload: bytes) -> None:
    refused(local, signed(payload))


@pytest.mark.parametrize("header", [b"[]", b"null", b"\xff", b'{"alg":"ES256"', b"[" * 9000])
def test_a_header_that_is_no_object(provider: TestProvider, local: LocalVerifier, header: bytes) -> None:
    refused(local, f"{encoded(header)}.{encoded(provider.access_claims())}.{encoded(b'x' * 64)}")


def test_a_header_that_says_things_twice(provider: TestProvider, local: LocalVerifier) -> None:
    header = b'{"alg":"none","alg":"ES256","kid":"ec-1","typ":"at+jwt"}'
    text = f"{encoded(header)}.{encoded(provider.access_claims())}"
    refused(local, f"{text}.{encoded(signature('ES256', key('ec-1'))(text.encode()))}")


def test_a_provider_of_plain_http_or_none_is_refused_at_once() -> None:
    for issuer in ("http://id.example.com", "", "id.example.com", "ftp://id.example.com", "https://me@id.example.com"):
        with pytest.raises(ValueError, match="must be https"):
            Provider(issuer)
    with pytest.raises(ValueError, match="must be https"):
        Provider("https://id.example.com", jwks_uri="http://id.example.com/keys")
    with pytest.raises(ValueError, match="must be https"):
        Provider("https://id.example.com", introspection_endpoint="http://id.example.com/introspect")
    assert Provider("https://id.example.com").issuer == "https://id.example.com"
