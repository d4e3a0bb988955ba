"""Making tokens: random text, signatures, and reading back what we signed."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any

import orjson
from jwcrypto import jwk

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import cache, jws
from provider.keys import keyring, rotation
from provider.protocol.errors import TemporarilyUnavailable
from provider.protocol.facts import Json

MAX_JWT = 16_384
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - a header value (RFC 9068 section 2.1)
ID_TOKEN_TYPE = "JWT"  # noqa: S105 - a header value


def opaque() -> str:
    """256 random bits from A-Z a-z 0-9 - _."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a code or token: its SHA-256. Texts of any kind give some digest, only ours a known one."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


@lru_cache(maxsize=32)
def _private_key(kid: str, encrypted: str, _secrets: str) -> jws.PrivateKey:
    """Parsed once per process: reading an RSA key costs more than fifty signatures."""
    key: jws.PrivateKey = jwk.JWK.from_json(keyring.decrypt(encrypted)).get_op_key("sign")
    return key


@lru_cache(maxsize=64)
def public_key(key: SigningKey) -> jws.PublicKey:
    """A key's id is its thumbprint, so what was parsed for one id never changes."""
    public: jws.PublicKey = jwk.JWK(**key.public_jwk).get_op_key("verify")
    return public


@lru_cache(maxsize=256)
def _header(algorithm: str, kid: str, typ: str) -> str:
    return jws.encode(json.dumps({"alg": algorithm, "kid": kid, "typ": typ}).encode())


def active_keys() -> dict[str, SigningKey]:
    return {key.algorithm: key for key in rotation.known() if key.state == KeyState.ACTIVE}


def sign(claims: Mapping[str, Json], algorithm: str, typ: str) -> str:
    """A compact JWS by the active key of this algorithm."""
    key = cache.once(active_keys).get(algorithm)
    if key is None:
        raise TemporarilyUnavailable("The provider has no signing key yet. Its operator has to run quickstart.")
    private = _private_key(key.kid, key.private_jwk, keyring.secrets_fingerprint())
    return jws.sign(_header(algorithm, key.kid, typ), orjson.dumps(claims), algorithm, private)


def verify(token: str, typ: str, *, late: timedelta = timedelta()) -> dict[str, Any] | None:
    """The claims of a JWT we signed with this `typ`, expired or not; None for anything else.

    Nothing of a header is read: it has to be, letter for letter, the one that `sign` writes for one of our keys. So the
    key decides the algorithm, never the token (RFC 8725 section 3.1). Once no token of a retired key can be alive (and
    `late` after that, for callers who take expired ones), its signature is worth nothing: it may have been stolen. Nor
    is what it signs after it retired; what says no time of issue could be that.
    """
    if len(token) > MAX_JWT or token.count(".") != 2 or not token.isascii():
        return None
    header, payload, signature = token.split(".")
    ours = (key for key in rotation.known() if _header(key.algorithm, key.kid, typ) == header)
    key = next(ours, None)
    if key is None or not rotation.believed(key, late):
        return None
    text = jws.payload_of(header, payload, signature, key.algorithm, public_key(key))
    try:
        claims = orjson.loads(text) if text is not None else None
    except orjson.JSONDecodeError:
        return None
    return claims if isinstance(claims, dict) and rotation.signed_in_time(key, claims.get("iat")) else None


def verify_id_token(token: str, *, late: timedelta = timedelta()) -> dict[str, Any] | None:
    """The claims of an ID token of ours; None for anything else, which a signed userinfo answer of the same type is."""
    claims = verify(token, ID_TOKEN_TYPE, late=late)
    return claims if claims is not None and {"exp", "iat", "azp"} <= claims.keys() else None
