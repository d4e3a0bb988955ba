"""Making tokens: random text, signatures, and reading back what we signed."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from datetime import timedelta
from functools import lru_cache
from typing import Any

from jwcrypto import jwk, jws
from jwcrypto.common import JWException

from clients import keyring, rotation
from clients.models import SigningKey
from clients.models.keys import KeyState
from clients.protocol.errors import TemporarilyUnavailable

MAX_JWT = 16_384
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - a header value (RFC 9068 section 2.1)
ID_TOKEN_TYPE = "JWT"  # noqa: S105 - a header value
_KID = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7638 thumbprint, SHA-256
_FORBIDDEN_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "x5t", "crit", "b64"})
ACCESS_TOKEN_ALGORITHM = "ES256"  # noqa: S105 - quick to make and to check; resource servers are ours to choose


def opaque() -> str:
    """256 random bits from A-Z a-z 0-9 - _."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a code or token: its SHA-256. Texts of any kind give some digest, only ours a known one."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


@lru_cache(maxsize=32)
def _private_key(kid: str, encrypted: str, _secrets: str) -> jwk.JWK:
    """Parsed once per process: reading an RSA key costs more than fifty signatures."""
    key: jwk.JWK = jwk.JWK.from_json(keyring.decrypt(encrypted))
    return key


@lru_cache(maxsize=64)
def _public_key(kid: str, text: str) -> jwk.JWK:
    key: jwk.JWK = jwk.JWK.from_json(text)
    return key


def sign(claims: dict[str, Any], algorithm: str, typ: str) -> str:
    """A compact JWS by the active key of this algorithm."""
    key = SigningKey.objects.filter(algorithm=algorithm, state=KeyState.ACTIVE).first()
    if key is None:
        raise TemporarilyUnavailable("The provider has no signing key yet. Its operator has to run quickstart.")
    token = jws.JWS(json.dumps(claims, separators=(",", ":")))
    header = json.dumps({"alg": algorithm, "kid": key.kid, "typ": typ})
    token.add_signature(_private_key(key.kid, key.private_jwk, keyring.secrets_fingerprint()), None, header, None)
    return str(token.serialize(compact=True))


def verify(token: str, typ: str, *, late: timedelta = timedelta()) -> dict[str, Any] | None:
    """The claims of a JWT we signed with this `typ`, expired or not; None for anything else.

    The key decides the algorithm, never the token (RFC 8725 section 3.1). Once no token of a retired key can be alive
    (and `late` after that, for callers who take expired ones), its signature is worth nothing: it may have been stolen.
    """
    if len(token) > MAX_JWT or token.count(".") != 2:
        return None
    try:
        signed = jws.JWS()
        signed.deserialize(token)
        header = json.loads(signed.objects["protected"])
    except (JWException, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(header, dict) or header.get("typ") != typ or _FORBIDDEN_HEADERS & header.keys():
        return None
    kid = header.get("kid")
    key = SigningKey.objects.filter(pk=kid).first() if isinstance(kid, str) and _KID.fullmatch(kid) else None
    if key is None or header.get("alg") != key.algorithm or not rotation.believed(key, late):
        return None
    try:
        signed.allowed_algs = [key.algorithm]
        signed.verify(_public_key(key.kid, json.dumps(key.public_jwk)))
        # The library decodes leniently: padding, spare bits and JSON forms would be other texts for the same token.
        claims = json.loads(signed.payload) if signed.serialize(compact=True) == token else None
    except (JWException, ValueError, TypeError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None
