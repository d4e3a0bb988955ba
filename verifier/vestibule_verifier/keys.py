"""The provider's public keys: fetched when first needed, kept, and followed through rotation and outages."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from jwcrypto import jwk
from jwcrypto.common import JWException

from vestibule_verifier.errors import Unavailable
from vestibule_verifier.fetch import Reply

logger = logging.getLogger(__name__)
# What each algorithm's key looks like. The key says which algorithm it is for; a token has no say in it.
_MEMBERS = {
    "RS256": ("RSA", ("n", "e")),
    "ES256": ("EC", ("crv", "x", "y")),
    "PS256": ("RSA", ("n", "e")),
    "EdDSA": ("OKP", ("crv", "x")),
}
_CURVES = {"ES256": "P-256", "EdDSA": "Ed25519"}
ALGORITHMS = tuple(_MEMBERS)
DEFAULT_ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
_MIN_RSA_BITS = 2048
_MAX_KEYS = 100


@dataclass(frozen=True, slots=True)
class PublicKey:
    algorithm: str
    jwk: jwk.JWK


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    fresh_until: float = 0.0
    usable_until: float = 0.0
    next_try: float = 0.0
    failed: bool = False


class KeySet:
    """One set per process, shared by all threads.

    `keep`: seconds after which the keys are fetched again, sooner when the provider says so. `retry`: at least so long
    between two fetches, whatever tokens are sent. `outage`: how long old keys stay good while nobody answers.
    """

    def __init__(
        self,
        fetch: Callable[[], Reply],
        *,
        keep: float = 300,
        retry: float = 30,
        outage: float = 86_400,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._keep, self._retry, self._outage = keep, retry, outage
        self._lock = threading.Lock()
        now = clock()
        self._kept = _Kept(fresh_until=now, usable_until=now, next_try=now)

    def find(self, kid: str) -> PublicKey | None:
        """The key of this name; None when the provider has no such key. Raises Unavailable when that is not known."""
        kept, now = self._kept, self._clock()
        known = kept.keys.get(kid)
        if known and now < kept.fresh_until:
            return known
        # Whoever has a usable key does not wait for the one who is fetching.
        if not self._lock.acquire(blocking=not (known and now < kept.usable_until)):
            return known
        try:
            return self._find(kid)
        finally:
            self._lock.release()

    def _find(self, kid: str) -> PublicKey | None:
        now = self._clock()
        due = kid not in self._kept.keys or now >= self._kept.fresh_until
        if due and now >= self._kept.next_try:
            self._kept = self._refreshed()
        kept = self._kept
        if self._clock() >= kept.usable_until:
            raise Unavailable("There are no keys of the provider, or they are too old.")
        if kid not in kept.keys and kept.failed:
            raise Unavailable("An unknown key may be a new one, and the provider cannot be asked.")
        return kept.keys.get(kid)

    def _refreshed(self) -> _Kept:
        try:
            reply = self._fetch()
            keys = read_keys(reply.document)
        except Unavailable as error:
            logger.warning("The provider's keys could not be fetched: %s", error)
            return replace(self._kept, next_try=self._clock() + self._retry, failed=True)
        now = self._clock()
        keep = self._keep if reply.max_age is None else min(self._keep, reply.max_age)
        fresh_until = now + max(keep, self._retry)
        return _Kept(keys, fresh_until, fresh_until + self._outage, now + self._retry)


def read_keys(document: Mapping[str, object]) -> dict[str, PublicKey]:
    """The signing keys of a JWKS (RFC 7517) by their `kid`. Keys for other purposes are passed over."""
    entries = document.get("keys")
    if not isinstance(entries, list) or len(entries) > _MAX_KEYS:
        raise Unavailable("The provider's keys are not a JWKS.")
    keys: dict[str, PublicKey] = {}
    for entry in entries:
        key = _read_key(entry) if isinstance(entry, dict) else None
        if key is not None:
            keys.setdefault(entry["kid"], key)
    if not keys:
        raise Unavailable("The provider's JWKS has no key that can be used here.")
    return keys


def _read_key(entry: dict[str, object]) -> PublicKey | None:
    kid, use, operations = entry.get("kid"), entry.get("use", "sig"), entry.get("key_ops", ["verify"])
    algorithm = entry.get("alg", DEFAULT_ALGORITHMS.get(str(entry.get("kty"))))
    if not isinstance(kid, str) or not isinstance(algorithm, str) or algorithm not in _MEMBERS:
        return None
    if use != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    key = public_key(entry, algorithm)
    return PublicKey(algorithm, key) if key is not None else None


def public_key(entry: Mapping[str, object], algorithm: str) -> jwk.JWK | None:
    """The key of a JWK for this algorithm, without anything else it says; None: of another kind, malformed or weak."""
    kty, members = _MEMBERS[algorithm]
    if entry.get("kty") != kty:
        return None
    try:
        key = jwk.JWK(kty=kty, **{name: entry[name] for name in members})
        return key if _strong(algorithm, key) else None
    except (JWException, KeyError, ValueError, TypeError):
        return None


def _strong(algorithm: str, key: jwk.JWK) -> bool:
    public = key.get_op_key("verify")  # raises for a point that is not on its curve
    if algorithm in _CURVES:
        return bool(key["crv"] == _CURVES[algorithm])
    return bool(public.key_size >= _MIN_RSA_BITS)
