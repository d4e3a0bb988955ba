"""Requests and tokens that nobody may accept."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping

from jwcrypto import jwk

from common import jws
from common.json_type import Json
from idp.conformance.app import App
from idp.conformance.http import Object


def _part(value: Mapping[str, Json]) -> str:
    return jws.encode(json.dumps(value, separators=(",", ":")).encode())


def unsigned(claims: Mapping[str, Json], **header: Json) -> str:
    """`alg` none (RFC 7515 appendix A.5)."""
    return f"{_part({**header, 'alg': 'none'})}.{_part(claims)}."


def unsigned_request(app: App, **members: str) -> str:
    return unsigned({"iss": app.client_id, "aud": app.provider.issuer, **members})


def by_hmac(claims: Mapping[str, Json], key: bytes, **header: Json) -> str:
    signed = f"{_part({**header, 'alg': 'HS256'})}.{_part(claims)}"
    return f"{signed}.{jws.encode(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def by_key(claims: Mapping[str, Json], key: jwk.JWK, **header: Json) -> str:
    return jws.sign(_part({"alg": "ES256", **header}), _part_bytes(claims), "ES256", key.get_op_key("sign"))


def _part_bytes(claims: Mapping[str, Json]) -> bytes:
    return json.dumps(claims, separators=(",", ":")).encode()


def header_of(token: str) -> Object:
    parts = jws.parts(token)
    return parts.header if parts else {}


def assertion(app: App, **claims: Json) -> dict[str, Json]:
    """What an app says of itself (RFC 7523 section 3)."""
    now = int(time.time())
    said: dict[str, Json] = {
        "iss": app.client_id,
        "sub": app.client_id,
        "aud": app.provider.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
    }
    return {name: value for name, value in {**said, **claims}.items() if value is not None}


def proof(key: jwk.JWK, method: str, url: str, **claims: Json) -> str:
    """That a sender holds a key (RFC 9449 section 4.2)."""
    said: dict[str, Json] = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time())}
    public: Json = key.export_public(as_dict=True)
    return by_key({**said, **claims}, key, typ="dpop+jwt", jwk=public)


def changed_bit(token: str) -> str:
    """Another last character, which is of the same alphabet."""
    middle = len(token) // 2
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
