"""Tokens that look like ours and are not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

from jwcrypto import jwk, jws

from clients.models import SigningKey
from provider.keys import mint
from tests.world import claims_of, header_of

STRANGER = jwk.JWK.generate(kty="EC", crv="P-256")
STRANGERS_RSA = jwk.JWK.generate(kty="RSA", size=2048)


def encode(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_by(key: jwk.JWK, header: dict[str, Any], claims: dict[str, Any]) -> str:
    token = jws.JWS(json.dumps(claims))
    token.add_signature(key, None, json.dumps(header), None)
    return str(token.serialize(compact=True))


def by_hmac(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    text = f"{encode(header)}.{encode(claims)}"
    return f"{text}.{encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def forgeries(genuine: str) -> dict[str, str]:
    """Changes an attacker makes to a genuine JWT without having our keys, by name."""
    header, claims = header_of(genuine), claims_of(genuine)
    head, body, signature = genuine.split(".")
    own = jwk.JWK(**SigningKey.objects.get(pk=header["kid"]).public_jwk)
    public = STRANGER.export_public(as_dict=True)
    stranger = {**header, "alg": "ES256"}
    return {
        "alg none": f"{encode({**header, 'alg': 'none'})}.{body}.",
        "alg None": f"{encode({**header, 'alg': 'None'})}.{body}.{signature}",
        "no alg": f"{encode({'typ': header['typ'], 'kid': header['kid']})}.{body}.{signature}",
        "no signature": f"{head}.{body}.",
        "other claims": f"{head}.{encode({**claims, 'sub': 'somebody else'})}.{signature}",
        "other header": f"{encode({**header, 'x': 1})}.{body}.{signature}",
        "HMAC with the public key as PEM": by_hmac(own.export_to_pem(), {**header, "alg": "HS256"}, claims),
        "HMAC with the public key as JWK": by_hmac(own.export_public().encode(), {**header, "alg": "HS256"}, claims),
        "HMAC with nothing": by_hmac(b"", {**header, "alg": "HS256"}, claims),
        "another key under our kid": signed_by(STRANGER, stranger, claims),
        "another RSA key under our kid": signed_by(STRANGERS_RSA, {**header, "alg": "RS256"}, claims),
        "another kid": signed_by(STRANGER, {**stranger, "kid": STRANGER.thumbprint()}, claims),
        "a kid that is no string": signed_by(STRANGER, {**stranger, "kid": 1}, claims),
        "a kid that is a path": signed_by(STRANGER, {**stranger, "kid": "../../dev/null"}, claims),
        "a kid with a NUL": signed_by(STRANGER, {**stranger, "kid": "\0" * 43}, claims),
        "no kid": signed_by(STRANGER, {"alg": "ES256", "typ": header["typ"]}, claims),
        "jwk in the header": signed_by(STRANGER, {**stranger, "jwk": public}, claims),
        "jku in the header": signed_by(STRANGER, {**stranger, "jku": "http://127.0.0.1:1/jwks"}, claims),
        "x5u in the header": signed_by(STRANGER, {**stranger, "x5u": "http://127.0.0.1:1/x5u"}, claims),
        "JSON serialisation": json.dumps(
            {"protected": head, "payload": body, "signature": signature, "header": {"x": ".."}}
        ),
        "deep JSON": f"{encode(b'[' * 8000)}.{body}.{signature}",
        "a header that is a list": f"{encode(b'[]')}.{body}.{signature}",
        "too long": f"{head}.{body}.{signature}{'A' * 20_000}",
        "dots": "..",
    }


def resigned(genuine: str, *, typ: str = "", without: str = "", **changes: Any) -> str:
    """Our own signature under other claims: what a bug elsewhere, or another use of the key, could produce.

    With a `jti` of its own, which begins as it has to: revoking this one says nothing of the genuine one.
    """
    claims = claims_of(genuine)
    claims = {**claims, "jti": claims["jti"] + secrets.token_hex(8), **changes}
    claims.pop(without, None)
    header = header_of(genuine)
    return mint.sign(claims, header["alg"], typ or header["typ"])


def near_misses(token: str) -> dict[str, str]:
    """A token truncated, extended, and with single bits changed."""
    found = {
        "first character missing": token[1:],
        "last character missing": token[:-1],
        "half": token[: len(token) // 2],
        "one character more": token + "A",
        "padded": token + "=",
        "doubled": token + token,
        "a character in front": "A" + token,
        "other case": token.swapcase(),
        "a break inside": token[:10] + "\t" + token[10:],
        "junk inside": token[:10] + "!" + token[10:],
    }
    for position in (0, len(token) // 2, len(token) - 2, len(token) - 1):
        for bit in range(6):
            changed = chr(ord(token[position]) ^ (1 << bit))
            if changed.isprintable() and changed != " ":
                found[f"bit {bit} of character {position}"] = token[:position] + changed + token[position + 1 :]
    return found
