"""Making tokens, and believing only those we made: every forgery is nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import string
from typing import Any

import pytest
from django.test import Client as Http
from jwcrypto import jwk, jws

from clients.models import SigningKey
from clients.models.keys import KeyState
from common.jws import ALGORITHMS
from provider.keys import keyring, mint
from provider.protocol.errors import TemporarilyUnavailable
from provider.protocol.facts import Json
from tests.world import claims_of, header_of

CLAIMS: dict[str, Json] = {"sub": "owner", "n": 1, "iat": 1}


def encoded(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_opaque_tokens_have_256_bits_of_safe_characters() -> None:
    tokens = {mint.opaque() for _ in range(50)}
    assert len(tokens) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


@pytest.mark.parametrize("text", ["", "a", "é", "\ud800", "x" * 100_000])
def test_every_text_has_a_digest(text: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", mint.digest(text))


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keys")]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("typ", ["JWT", "at+jwt"])
def test_what_we_sign_we_believe(algorithm: str, typ: str) -> None:
    token = mint.sign(CLAIMS, algorithm, typ)
    active = SigningKey.objects.get(algorithm=algorithm, state=KeyState.ACTIVE)
    assert header_of(token) == {"alg": algorithm, "kid": active.kid, "typ": typ}
    assert claims_of(token) == CLAIMS
    assert mint.verify(token, typ) == CLAIMS


def published() -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = Http().get("/.well-known/jwks.json").json()["keys"]
    return keys


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_others_can_verify_it_with_the_published_keys(algorithm: str) -> None:
    token = mint.sign(CLAIMS, algorithm, "JWT")
    key = {key["kid"]: key for key in published()}[header_of(token)["kid"]]
    assert (key["alg"], key["use"]) == (algorithm, "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
    signed = jws.JWS()
    signed.deserialize(token, jwk.JWK(**key))
    assert json.loads(signed.payload) == CLAIMS


def test_the_key_id_is_the_thumbprint() -> None:
    assert published()
    for key in published():
        assert jwk.JWK(**key).thumbprint() == key["kid"]


def test_a_token_of_one_kind_is_not_one_of_another() -> None:
    assert mint.verify(mint.sign(CLAIMS, "ES256", "JWT"), mint.ACCESS_TOKEN_TYPE) is None
    assert mint.verify(mint.sign(CLAIMS, "ES256", mint.ACCESS_TOKEN_TYPE), "JWT") is None


def test_a_retired_key_still_verifies_and_no_longer_signs() -> None:
    token = mint.sign(CLAIMS, "ES256", "JWT")
    keyring.activate(SigningKey.objects.get(algorithm="ES256", state=KeyState.NEXT))
    assert mint.verify(token, "JWT") == CLAIMS
    assert header_of(mint.sign(CLAIMS, "ES256", "JWT"))["kid"] != header_of(token)["kid"]


def test_a_key_that_is_gone_verifies_nothing() -> None:
    token = mint.sign(CLAIMS, "ES256", "JWT")
    SigningKey.objects.all().delete()
    assert mint.verify(token, "JWT") is None
    with pytest.raises(TemporarilyUnavailable):
        mint.sign(CLAIMS, "ES256", "JWT")


# --- Forgeries -----------------------------------------------------------------------------------------------------


def forged(header: dict[str, Any], signature: bytes = b"", claims: dict[str, Any] = CLAIMS) -> str:
    return f"{encoded(header)}.{encoded(claims)}.{encoded(signature)}"


def signed_by(key: jwk.JWK, header: dict[str, Any]) -> str:
    token = jws.JWS(json.dumps(CLAIMS))
    token.add_signature(key, None, json.dumps(header), None)
    return str(token.serialize(compact=True))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None])
def test_an_unsigned_token_is_nothing(algorithm: Any) -> None:
    kid = SigningKey.objects.get(algorithm="RS256", state=KeyState.ACTIVE).kid
    for text in (forged({"alg": algorithm, "kid": kid, "typ": "JWT"}), forged({"alg": algorithm, "typ": "JWT"})):
        assert mint.verify(text, "JWT") is None
        assert mint.verify(text.rstrip(".") + ".", "JWT") is None


def test_our_public_key_is_no_hmac_secret() -> None:
    """The key decides the algorithm, never the token."""
    for row in SigningKey.objects.filter(state=KeyState.ACTIVE):
        key = jwk.JWK(**row.public_jwk)
        head = f"{encoded({'alg': 'HS256', 'kid': row.kid, 'typ': 'JWT'})}.{encoded(CLAIMS)}"
        for secret in (key.export_to_pem(), json.dumps(row.public_jwk).encode(), row.kid.encode(), b""):
            mac = hmac.new(secret, head.encode(), hashlib.sha256).digest()
            assert mint.verify(f"{head}.{encoded(mac)}", "JWT") is None


def test_one_of_our_keys_does_not_sign_in_the_name_of_another() -> None:
    rows = {row.algorithm: row for row in SigningKey.objects.filter(state=KeyState.ACTIVE)}
    es256 = jwk.JWK.from_json(keyring.decrypt(rows["ES256"].private_jwk))
    assert mint.verify(signed_by(es256, {"alg": "ES256", "kid": rows["ES256"].kid, "typ": "JWT"}), "JWT") == CLAIMS
    assert mint.verify(signed_by(es256, {"alg": "ES256", "kid": rows["RS256"].kid, "typ": "JWT"}), "JWT") is None


@pytest.mark.parametrize("extra", ["jku", "jwk", "x5u", "x5c", "x5t", "b64"])
def test_a_header_that_names_a_key_of_its_own_is_nothing_even_well_signed(extra: str) -> None:
    row = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE)
    key = jwk.JWK.from_json(keyring.decrypt(row.private_jwk))
    header: dict[str, Any] = {"alg": "ES256", "kid": row.kid, "typ": "JWT"}
    own = {"jwk": row.public_jwk, "x5c": ["x"], "b64": True}.get(extra, "https://else.example/keys")
    assert mint.verify(signed_by(key, header), "JWT") == CLAIMS
    if extra != "b64":
        assert mint.verify(signed_by(key, {**header, extra: own}), "JWT") is None
    assert mint.verify(forged({**header, extra: own}, b"x" * 64), "JWT") is None


def test_somebody_elses_key_signs_nothing() -> None:
    theirs = jwk.JWK.generate(kty="EC", crv="P-256")
    ours = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE).kid
    for kid in (ours, theirs.thumbprint(), "", None, 7, ["x"], "é", "\0", "x" * 10_000):
        header = {"alg": "ES256", "kid": kid, "typ": "JWT"}
        text = signed_by(theirs, header) if isinstance(kid, str) else forged(header, b"x" * 64)
        assert mint.verify(text, "JWT") is None


@pytest.mark.parametrize("typ", [None, "", "jwt", "at+JWT", "JWS", 7])
def test_another_typ_is_nothing(typ: Any) -> None:
    row = SigningKey.objects.get(algorithm="ES256", state=KeyState.ACTIVE)
    key = jwk.JWK.from_json(keyring.decrypt(row.private_jwk))
    header = {"alg": "ES256", "kid": row.kid, **({} if typ is None else {"typ": typ})}
    for wanted in ("JWT", mint.ACCESS_TOKEN_TYPE):
        assert mint.verify(signed_by(key, header), wanted) is None


def test_one_changed_bit_is_enough() -> None:
    token = mint.sign(CLAIMS, "ES256", "JWT")
    head, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    for position in (0, 31, 32, 63):
        flipped = bytes(byte ^ (1 if index == position else 0) for index, byte in enumerate(raw))
        assert mint.verify(f"{head}.{payload}.{encoded(flipped)}", "JWT") is None
    assert mint.verify(f"{head}.{encoded({**CLAIMS, 'sub': 'other'})}.{signature}", "JWT") is None
    for other in (token[:-5], token + "x", f"{token}.", f".{token}", token.upper(), f" {token}", f"{token}\n\n"):
        assert mint.verify(other, "JWT") is None


@pytest.mark.any_database
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signature_is_written_in_one_way_only(algorithm: str) -> None:
    """Bits that decoding drops, and zeros that change no number: else one token would have many texts."""
    head, payload, signature = mint.sign(CLAIMS, algorithm, "JWT").split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    alphabet = string.ascii_letters + string.digits + "-_"
    same = [one for end in alphabet if base64.urlsafe_b64decode((one := signature[:-1] + end) + "==") == raw]
    assert len(same) == 16
    for other in {*same} - {signature}:
        assert mint.verify(f"{head}.{payload}.{other}", "JWT") is None
    for longer in (raw[:32] + b"\0" + raw[32:], b"\0" + raw, raw + b"\0"):
        assert mint.verify(f"{head}.{payload}.{encoded(longer)}", "JWT") is None
    assert mint.verify(f"{head}.{payload}.{signature}", "JWT") == CLAIMS


def test_what_is_longer_than_any_token_is_not_read() -> None:
    assert mint.verify(mint.sign({"x": "y" * 10_000}, "ES256", "JWT"), "JWT") is not None
    assert mint.verify(mint.sign({"x": "y" * mint.MAX_JWT}, "ES256", "JWT"), "JWT") is None


@pytest.mark.any_database
@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "...", "a.b.c", "a.b", "é.é.é", "\0.\0.\0", "\ud800.x.x", "=.=.=", "{}.{}.{}"),
        f"{encoded(b'[]')}.{encoded(b'{}')}.{encoded(b'x')}",
        f"{encoded(b'1')}.{encoded(b'{}')}.{encoded(b'x')}",
        f"{encoded(b'{')}.{encoded(b'{}')}.{encoded(b'x')}",
        f"{encoded(b'[' * 5000)}.{encoded(b'{}')}.{encoded(b'x')}",
        "x" * 5_000_000,
        f"{'x' * 20_000}.x.x",
    ],
    ids=lambda text: f"{len(text)} characters",
)
def test_garbage_is_nothing(text: str) -> None:
    assert mint.verify(text, "JWT") is None
    assert mint.verify(text, mint.ACCESS_TOKEN_TYPE) is None
