"""Compact JWS (RFC 7515) straight on `cryptography`: a JOSE library costs more than an ES256 signature itself.

ALGORITHMS is the table: what keys are made for, what tokens may be signed with, what discovery lists. jwcrypto still
makes keys, thumbprints and JWKs, and reads the stored ones. Only what tokens of ours need is here.
"""

from __future__ import annotations

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class Algorithm(ABC):
    """A row of ALGORITHMS (RFC 7518 section 3). A key of another kind is a TypeError, never a signature."""

    key: Mapping[str, str | int]  # what jwcrypto makes a key from (RFC 7518 section 6)

    @abstractmethod
    def sign(self, data: bytes, key: PrivateKey) -> bytes: ...

    @abstractmethod
    def verify(self, data: bytes, signature: bytes, key: PublicKey) -> None:
        """Raises InvalidSignature."""


@dataclass(frozen=True, slots=True)
class Rsa(Algorithm):
    padding: padding.AsymmetricPadding
    hash: hashes.HashAlgorithm
    key: Mapping[str, str | int]

    def sign(self, data: bytes, key: PrivateKey) -> bytes:
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("An RSA signature needs an RSA key.")
        return key.sign(data, self.padding, self.hash)

    def verify(self, data: bytes, signature: bytes, key: PublicKey) -> None:
        if not isinstance(key, rsa.RSAPublicKey):
            raise TypeError("An RSA signature needs an RSA key.")
        key.verify(signature, data, self.padding, self.hash)


@dataclass(frozen=True, slots=True)
class Ecdsa(Algorithm):
    half: int  # bytes of each of the two numbers a signature is (RFC 7518 section 3.4)
    scheme: ec.ECDSA
    key: Mapping[str, str | int]

    def sign(self, data: bytes, key: PrivateKey) -> bytes:
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("An ECDSA signature needs a key of its curve.")
        r, s = decode_dss_signature(key.sign(data, self.scheme))
        return r.to_bytes(self.half, "big") + s.to_bytes(self.half, "big")

    def verify(self, data: bytes, signature: bytes, key: PublicKey) -> None:
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise TypeError("An ECDSA signature needs a key of its curve.")
        if len(signature) != 2 * self.half:
            raise InvalidSignature
        r, s = int.from_bytes(signature[: self.half], "big"), int.from_bytes(signature[self.half :], "big")
        key.verify(encode_dss_signature(r, s), data, self.scheme)


# Asymmetric ones only: whoever checks a token must not be able to make one.
ALGORITHMS: dict[str, Algorithm] = {
    "RS256": Rsa(padding.PKCS1v15(), hashes.SHA256(), {"kty": "RSA", "size": 2048}),
    "ES256": Ecdsa(32, ec.ECDSA(hashes.SHA256()), {"kty": "EC", "crv": "P-256"}),
}


def names() -> list[tuple[str, str]]:
    """As choices of a model field: each is its own label."""
    return [(name, name) for name in ALGORITHMS]


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


def sign(header: str, payload: bytes, algorithm: str, key: PrivateKey) -> str:
    """A token: `header` is encoded already, and names this algorithm."""
    signed = f"{header}.{encode(payload)}"
    return f"{signed}.{encode(ALGORITHMS[algorithm].sign(signed.encode(), key))}"


def payload_of(header: str, payload: str, signature: str, algorithm: str, key: PublicKey) -> bytes | None:
    """What was signed by this key under this header; None when it was not, or not in a way of ours."""
    proof, data, known = decode(signature), decode(payload), ALGORITHMS.get(algorithm)
    if proof is None or data is None or known is None:
        return None
    try:
        known.verify(f"{header}.{payload}".encode(), proof, key)
    except InvalidSignature:
        return None
    return data
