"""Whether a client signed this: by one of its registered keys, or of those at its address (rule A5)."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import lru_cache

from common import jws
from common.json_type import Json
from common.jws import ALGORITHMS, Parts
from provider import document_keys, fetched_keys
from provider.fetched_keys import ClientKey
from provider.keys import decoy
from provider.protocol.facts import ClientFacts

UNTYPED = ""  # in `types`: no `typ` will do
MAX_REMEMBERED = 10_000  # key sets


def verified(
    token: str | Parts, client: ClientFacts | None, *, types: Collection[str], algorithms: Collection[str]
) -> dict[str, Json] | None:
    """The claims of a JWT that this client signed; None for anything else, and for an unknown client as slowly.

    The algorithm is one of `algorithms` and one that the key is registered for: the token has no say in it. `types`
    are values of `typ` without `application/`. Nothing is said of the claims: `provider.protocol.foreign_jwt` is.
    """
    parts = token if isinstance(token, Parts) else jws.parts(token)
    if (
        parts is None
        or parts.algorithm not in algorithms
        or parts.algorithm not in ALGORITHMS
        or not typed(parts, types)
    ):
        return None
    key = _key(parts, client) if client is not None else None
    if key is None:
        decoy.verify(parts)
        return None
    return parts.claims if parts.verified_by(key.public, parts.algorithm) else None


def typed(parts: Parts, types: Collection[str]) -> bool:
    """Whether it says it is of one of these types (RFC 7515 section 4.1.9, RFC 8725 section 3.11)."""
    typ = parts.header.get("typ", UNTYPED)
    return isinstance(typ, str) and typ.lower().removeprefix("application/") in types


def has_keys(client: ClientFacts) -> bool:
    """Whether it registered any, or where they are."""
    return bool(client.jwks or client.jwks_uri) or document_keys.are_in_document(client)


def keys_of(client: ClientFacts, kid: str | None = None) -> tuple[ClientKey, ...]:
    """The keys a client has now. Raises TemporarilyUnavailable while they are fetched, and nobody may wait."""
    if document_keys.are_in_document(client):
        return document_keys.registered.find((client.id, client.client_id), kid)
    if client.jwks_uri:
        fetched = document_keys.of_guests if client.guest else fetched_keys.shared
        return fetched.find((client.id, client.jwks_uri), kid)
    return _registered(client.jwks) if client.jwks else ()


@lru_cache(maxsize=MAX_REMEMBERED)
def _registered(jwks: str) -> tuple[ClientKey, ...]:
    return fetched_keys.read(json.loads(jwks))


def _key(parts: Parts, client: ClientFacts) -> ClientKey | None:
    """The one that the token names; without a name, the only one there is for its algorithm."""
    kid = parts.header.get("kid")
    if kid is not None and not isinstance(kid, str):
        return None
    fitting = [one for one in keys_of(client, kid) if one.may_verify(parts.algorithm) and kid in (None, one.kid)]
    return fitting[0] if len(fitting) == 1 else None
