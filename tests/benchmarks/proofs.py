"""DPoP proofs (RFC 9449) of one key, made before a run: each is good for one request."""

from __future__ import annotations

import base64
import json
import secrets
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def proofs(url: str, count: int) -> list[str]:
    """For POSTs to this address."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": _text(_bytes(point.x)), "y": _text(_bytes(point.y))}
    header = _text(json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}).encode())
    now = int(time.time())
    return [
        _signed(key, header, {"jti": secrets.token_hex(16), "htm": "POST", "htu": url, "iat": now})
        for _ in range(count)
    ]


def _signed(key: ec.EllipticCurvePrivateKey, header: str, claims: dict[str, str | int]) -> str:
    text = f"{header}.{_text(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{_text(_bytes(r) + _bytes(s))}"


def _bytes(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
