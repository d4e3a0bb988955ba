"""Reading a JWT of the provider: a signature by a key it publishes, and nothing the token says about keys."""

from __future__ import annotations

from collections.abc import Set

from jwcrypto import jws
from jwcrypto.common import JWException

from vestibule_verifier.errors import Invalid
from vestibule_verifier.keys import ALGORITHMS, KeySet
from vestibule_verifier.parsing import base64url, json_object

MAX_LENGTH = 16_384
# They say where to find a key, bring one along, or change how the token is read (RFC 8725 section 3.10).
_REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip"})
_NOT_GENUINE = "The token is malformed, or this provider did not sign it."


def read(token: str, keys: KeySet, types: Set[str], otherwise: str) -> dict[str, object]:
    """The claims of a genuine token of one of these types, expired or not; raises Invalid, `otherwise` for other types.

    The algorithm is the key's, and the token has to agree (RFC 8725 section 3.1).
    """
    header, payload = _split(token)
    typ, kid = header.get("typ"), header.get("kid")
    if not isinstance(typ, str) or typ not in types:
        raise Invalid(otherwise)
    if not isinstance(kid, str) or _REFUSED_HEADERS & header.keys():
        raise Invalid(_NOT_GENUINE)
    if header.get("alg") not in ALGORITHMS:
        raise Invalid(_NOT_GENUINE)  # before the keys are looked at, which may mean fetching them
    key = keys.find(kid)
    if key is None or header.get("alg") != key.algorithm:
        raise Invalid(_NOT_GENUINE)
    try:
        signed = jws.JWS()
        signed.allowed_algs = [key.algorithm]
        signed.deserialize(token)
        signed.verify(key.jwk, key.algorithm)
        return json_object(payload)
    except (JWException, ValueError, TypeError):
        raise Invalid(_NOT_GENUINE) from None


def _split(token: str) -> tuple[dict[str, object], bytes]:
    """Header and payload of a compact JWS whose text cannot be written in another way."""
    if len(token) > MAX_LENGTH:
        raise Invalid(_NOT_GENUINE)
    parts = token.split(".", 3)
    try:
        protected, payload, _signature = (base64url(part) for part in parts)
        return json_object(protected), payload
    except ValueError:
        raise Invalid(_NOT_GENUINE) from None
