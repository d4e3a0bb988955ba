"""Compact JWS (RFC 7515) straight on `cryptography`: a JOSE library costs more than an ES256 signature itself.

jwcrypto still makes keys, thumbprints and JWKs, and reads the stored ones. Only what tokens of ours need is here.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
_SHA256 = hashes.SHA256()
_PKCS1 = padding.PKCS1v15()
_ECDSA = ec.ECDSA(_SHA256)
_P256 = 32  # bytes of each half of an ES256 signature (RFC 7518 section 3.4)


def encode(data: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes | None:
    """The bytes behind this text; None unless it is exactly how `encode` writes them."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return data if encode(data) == text else None


def sign(header: str, payload: bytes, key: PrivateKey) -> str:
    """A token: `header` is encoded already."""
    signed = f"{header}.{encode(payload)}"
    return f"{signed}.{encode(_signature(signed.encode(), key))}"


def _signature(data: bytes, key: PrivateKey) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, _PKCS1, _SHA256)
    r, s = decode_dss_signature(key.sign(data, _ECDSA))
    return r.to_bytes(_P256, "big") + s.to_bytes(_P256, "big")


def payload_of(header: str, payload: str, signature: str, key: PublicKey) -> bytes | None:
    """What was signed by this key under this header; None when it was not, or is written in another way than ours."""
    proof, data = decode(signature), decode(payload)
    if proof is None or data is None or not _fits(f"{header}.{payload}".encode(), proof, key):
        return None
    return data


def _fits(signed: bytes, proof: bytes, key: PublicKey) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(proof, signed, _PKCS1, _SHA256)
        elif len(proof) != 2 * _P256:
            return False
        else:
            halves = int.from_bytes(proof[:_P256], "big"), int.from_bytes(proof[_P256:], "big")
            key.verify(encode_dss_signature(*halves), signed, _ECDSA)
    except InvalidSignature:
        return False
    return True
