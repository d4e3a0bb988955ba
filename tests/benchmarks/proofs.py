"""DPoP proofs (RFC 9449) and client assertions (RFC 7523), made before a run: each is good for one request."""

from __future__ import annotations

import base64
import json
import secrets
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

# Of the client in the role `key`. Everybody knows it: every process of a run has to, and no installation outlives one.
KEY = ec.derive_private_key(2026, ec.SECP256R1())


def proofs(url: str, count: int) -> list[str]:
    """For POSTs to this address."""
    key = ec.generate_private_key(ec.SECP256R1())
    header = _text(json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(key)}).encode())
    now = int(time.time())
    return [
        _signed(key, header, {"jti": secrets.token_hex(16), "htm": "POST", "htu": url, "iat": now})
        for _ in range(count)
    ]


def assertions(client_id: str, issuer: str, count: int) -> list[str]:
    """That it is this client, for this provider."""
    header = _text(json.dumps({"alg": "ES256"}).encode())
    now = int(time.time())
    claims: dict[str, str | int] = {"iss": client_id, "sub": client_id, "aud": issuer, "iat": now, "exp": now + 300}
    return [_signed(KEY, header, {**claims, "jti": secrets.token_hex(16)}) for _ in range(count)]


def public_jwk(key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    point = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": _text(_bytes(point.x)), "y": _text(_bytes(point.y))}


def _signed(key: ec.EllipticCurvePrivateKey, header: str, claims: dict[str, str | int]) -> str:
    text = f"{header}.{_text(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_text(_bytes(r) + _bytes(s))}"


def _bytes(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
