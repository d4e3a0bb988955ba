"""Compact JWS (RFC 7515) straight on `cryptography`: a JOSE library costs more than an ES256 signature itself.

ALGORITHMS is the table: what keys are made for, what tokens may be signed with, what discovery lists. jwcrypto still
makes keys of ours, and reads the stored ones. Keys of others, and what they signed, are read here, and strictly.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from common.json_type import Json

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

MAX_FOREIGN = 16_384  # characters of a JWT that somebody else made
RSA_BITS = range(2048, 8193)  # shorter ones are broken, longer ones keep a processor busy
MAX_RSA_EXPONENT = 2**32
# What each kind of key consists of (RFC 7518 section 6, RFC 8037 section 2): all that its thumbprint is made of.
MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
NEVER_PUBLIC = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# The y of every point of Ed25519 with a small order, also written as a number beyond the field. Anybody can make
# signatures that fit such a key (RFC 8032 does not refuse them).
_FIELD = 2**255 - 19
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _EIGHTH, _FIELD - _EIGHTH, _FIELD - 1, _FIELD, _FIELD + 1})
# Why a JWK is not taken.
PRIVATE = "A key that others see has no private part, and is not a shared secret."
UNKNOWN = "Keys are RSA, EC on P-256, or OKP on Ed25519."
WEAK = f"An RSA key has {RSA_BITS.start} bits at least, and {RSA_BITS.stop - 1} at most."
EXPONENT = "The exponent of an RSA key is an odd number of at most 32 bits."
OFF_CURVE = "The point x, y is not on the curve."
NOBODYS = "The point x has a small order: anybody can sign with it."
MALFORMED = "A member is missing, or is not base64url of its right length."


class BadKey(ValueError):
    """Not a key that could be used: one of the sentences above, and the member that it is about."""

    def __init__(self, sentence: str, member: str = "") -> None:
        self.sentence, self.member = sentence, member
        super().__init__(f"{sentence} ({member})" if member else sentence)


class Algorithm(ABC):
    """A row of ALGORITHMS (RFC 7518 section 3). A key of another kind is a TypeError, never a signature."""

    key: Mapping[str, str | int]  # what jwcrypto makes a key from (RFC 7518 section 6)
    verifies_with: ClassVar[type[PublicKey]]

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
    verifies_with = rsa.RSAPublicKey

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
    verifies_with = ec.EllipticCurvePublicKey

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


@dataclass(frozen=True, slots=True)
class EdDsa(Algorithm):
    key: Mapping[str, str | int]
    verifies_with = ed25519.Ed25519PublicKey

    def sign(self, data: bytes, key: PrivateKey) -> bytes:
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise TypeError("An EdDSA signature needs an Ed25519 key.")
        return key.sign(data)

    def verify(self, data: bytes, signature: bytes, key: PublicKey) -> None:
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise TypeError("An EdDSA signature needs an Ed25519 key.")
        key.verify(signature, data)


_RSA: Mapping[str, str | int] = {"kty": "RSA", "size": 2048}
# Asymmetric ones only: whoever checks a token must not be able to make one.
ALGORITHMS: dict[str, Algorithm] = {
    "RS256": Rsa(padding.PKCS1v15(), hashes.SHA256(), _RSA),
    "ES256": Ecdsa(32, ec.ECDSA(hashes.SHA256()), {"kty": "EC", "crv": "P-256"}),
    "PS256": Rsa(padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size), hashes.SHA256(), _RSA),
    "EdDSA": EdDsa({"kty": "OKP", "crv": "Ed25519"}),
}

# What others may have signed with. EdDSA has a second name (RFC 9864), and some libraries know that one alone.
FOREIGN = {**ALGORITHMS, "Ed25519": ALGORITHMS["EdDSA"]}
# What a DPoP proof may be signed with. RS256 is for programs that know nothing else, and none of those makes proofs:
# a padding that was broken again and again need not begin a new life here (FAPI 2.0 section 5.4 forbids it).
PROOFS = {name: algorithm for name, algorithm in FOREIGN.items() if name != "RS256"}


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


# --- Keys of others ------------------------------------------------------------------------------------------------


def public_key(jwk: Mapping[str, Json]) -> PublicKey:
    """The key behind a public JWK. Raises BadKey, a ValueError: it is none, or has a private part, or is too weak."""
    if secret := NEVER_PUBLIC & jwk.keys():
        raise BadKey(PRIVATE, min(secret))
    kty = jwk.get("kty")
    if kty == "RSA":
        return _rsa_key(_number(jwk, "n"), _number(jwk, "e"))
    if kty == "EC" and jwk.get("crv") == "P-256":
        return _ec_key(_number(jwk, "x", 32), _number(jwk, "y", 32))
    if kty == "OKP" and jwk.get("crv") == "Ed25519":
        return _ed25519_key(_bytes(jwk, "x", 32))
    raise BadKey(UNKNOWN, "kty")


def _rsa_key(modulus: int, exponent: int) -> rsa.RSAPublicKey:
    if modulus.bit_length() not in RSA_BITS or modulus % 2 == 0:
        raise BadKey(WEAK, "n")
    if not 3 <= exponent < MAX_RSA_EXPONENT or exponent % 2 == 0:
        raise BadKey(EXPONENT, "e")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _ec_key(x: int, y: int) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise BadKey(OFF_CURVE, "x") from None


def _ed25519_key(x: bytes) -> ed25519.Ed25519PublicKey:
    if int.from_bytes(x, "little") % 2**255 in _SMALL_ORDER:  # the highest bit is a sign
        raise BadKey(NOBODYS, "x")
    return ed25519.Ed25519PublicKey.from_public_bytes(x)


def _number(jwk: Mapping[str, Json], name: str, size: int | None = None) -> int:
    return int.from_bytes(_bytes(jwk, name, size), "big")


def _bytes(jwk: Mapping[str, Json], name: str, size: int | None = None) -> bytes:
    text = jwk.get(name)
    data = decode(text) if isinstance(text, str) else None
    if not data or (size is not None and len(data) != size):
        raise BadKey(MALFORMED, name)
    return data


def thumbprint(jwk: Mapping[str, Json]) -> str:
    """RFC 7638. Raises BadKey: it is no key of a kind we know."""
    kty = jwk.get("kty")
    members = {name: jwk.get(name) for name in MEMBERS.get(kty if isinstance(kty, str) else "", ())}
    if not members or not all(isinstance(value, str) for value in members.values()):
        raise BadKey(UNKNOWN, "kty")
    return encode(hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())


def fits(algorithm: str, key: PublicKey) -> bool:
    """Whether signatures of this algorithm can be checked with this key."""
    known = FOREIGN.get(algorithm)
    return known is not None and isinstance(key, known.verifies_with)


# --- Tokens of others ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parts:
    """A compact JWS that was parsed and not verified: nothing of it is true yet."""

    header: dict[str, Json]
    claims: dict[str, Json]
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """What it says it was signed with. Who verifies it decides whether that may be."""
        found = self.header.get("alg")
        return found if isinstance(found, str) else ""

    def verified_by(self, key: PublicKey, algorithm: str) -> bool:
        """Whether this key made the signature, by this algorithm and no other."""
        if algorithm != self.algorithm or not fits(algorithm, key):
            return False
        try:
            FOREIGN[algorithm].verify(self.signed, self.signature, key)
        except InvalidSignature:
            return False
        return True


def parts(token: str, most: int = MAX_FOREIGN) -> Parts | None:
    """A JWT of somebody else, if there is one way only to read it. None: too long, or malformed, or `crit`.

    No member occurs twice: another reader might take the other one. We know no extension that must be understood
    (`crit`), and none changes what is signed (`b64`).
    """
    if len(token) > most or not token.isascii() or token.count(".") != 2:
        return None
    head, body, proof = token.split(".")
    header, claims, signature = _header(head), _json_object(body), decode(proof)
    if header is None or claims is None or not signature or {"crit", "b64"} & header.keys():
        return None
    return Parts(header, claims, f"{head}.{body}".encode(), signature)


@lru_cache(maxsize=512)
def _header(text: str) -> dict[str, Json] | None:
    """An app writes the same header again and again, with its key in it where it proves to have that."""
    return _json_object(text)


def _json_object(text: str) -> dict[str, Json] | None:
    """orjson refuses depth, halves of characters and numbers that are none; the other parser sees what is repeated."""
    data = decode(text)
    try:
        found = orjson.loads(data) if data else None
        if not isinstance(found, dict) or data is None:
            return None
        _REPEATS.decode(data.decode())
    except (ValueError, RecursionError):  # orjson.JSONDecodeError is a ValueError
        return None
    return found


def _each_once(members: list[tuple[str, object]]) -> None:
    if len({name for name, _value in members}) != len(members):
        raise ValueError("A member occurs twice.")


_REPEATS = json.JSONDecoder(object_pairs_hook=_each_once)  # `json.loads` would make one for each text
