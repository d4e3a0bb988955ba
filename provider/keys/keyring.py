"""Signing keys at rest: made, encrypted, and moved through next → active → retired."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from django.conf import settings
from django.db import IntegrityError, transaction
from jwcrypto import jwk

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import clock, sealing
from common.jws import ALGORITHMS
from provider.keys import lifetimes

PURPOSE = "signing keys"


def encrypt(text: str) -> str:
    """Encrypt under the first of IDP_KEY_SECRETS."""
    return sealing.seal(PURPOSE, text)


def decrypt(text: str) -> str:
    """Decrypt with whichever of IDP_KEY_SECRETS fits; raises sealing.Unreadable."""
    return sealing.unseal(PURPOSE, text)


def secrets_fingerprint() -> str:
    """Changes with IDP_KEY_SECRETS; a cache key that is not a secret."""
    return hashlib.sha256("\0".join(settings.IDP_KEY_SECRETS).encode()).hexdigest()[:16]


def require_opened(key: SigningKey) -> None:
    """Raise sealing.Unreadable when this process cannot sign with the key, with a sentence for its operator."""
    if not _opens(key.private_jwk, secrets_fingerprint()):
        raise sealing.Unreadable(
            f"The {key.state} {key.algorithm} key cannot be opened: IDP_KEY_SECRETS does not hold the secret it was "
            "sealed with. Add it behind the new one."
        )


@lru_cache(maxsize=32)
def _opens(sealed: str, _secrets: str) -> bool:
    """Tried once per process: load balancers ask every few seconds."""
    try:
        decrypt(sealed)
    except sealing.Unreadable:
        return False
    return True


def make(algorithm: str) -> SigningKey:
    """A new key in state `next`; saved by the caller's transaction.

    One key of 64 has an id that begins with a dash; commands would take it for an option, so another one is made.
    """
    key = jwk.JWK.generate(**ALGORITHMS[algorithm].key)
    while (kid := key.thumbprint()).startswith("-"):
        key = jwk.JWK.generate(**ALGORITHMS[algorithm].key)
    public = {**key.export_public(as_dict=True), "kid": kid, "use": "sig", "alg": algorithm}
    return SigningKey.objects.create(
        kid=kid, algorithm=algorithm, public_jwk=public, private_jwk=encrypt(key.export_private())
    )


def adopt(key: jwk.JWK, algorithm: str) -> SigningKey:
    """A key that signed elsewhere signs here from now on. In the caller's transaction, who knows that it is no key yet.

    Apps know it already, so nobody has to be told before.
    """
    _lock_all()
    adopted = SigningKey(
        kid=key.thumbprint(),
        algorithm=algorithm,
        public_jwk={**key.export_public(as_dict=True), "kid": key.thumbprint(), "use": "sig", "alg": algorithm},
        private_jwk=encrypt(key.export_private()),
        state=KeyState.ACTIVE,
        activated_at=clock.now(),
    )
    _retire_active(algorithm)
    adopted.save(force_insert=True)
    return adopted


def _retire_active(algorithm: str) -> None:
    """How long a retired key is published counts from here: after waiting for the lock."""
    now = clock.now()
    until = now + lifetimes.read_longest() + lifetimes.CLOCK_SKEW
    before = SigningKey.objects.filter(algorithm=algorithm, state=KeyState.ACTIVE)
    before.update(state=KeyState.RETIRED, retired_at=now, believed_until=until)


def activate(key: SigningKey) -> None:
    """Let this next key sign; the one that did is retired and stays published. Any other key changes nothing.

    How long the retired one is believed is written down now: what clients are set to later cannot bring it back.
    """
    with transaction.atomic():
        locked = SigningKey.objects.select_for_update().filter(algorithm=key.algorithm)
        if (key.pk, KeyState.NEXT) not in set(locked.values_list("pk", "state")):
            return  # somebody else was quicker
        _retire_active(key.algorithm)
        locked.filter(pk=key.pk, state=KeyState.NEXT).update(state=KeyState.ACTIVE, activated_at=clock.now())


def revoke(kid: str) -> SigningKey | None:
    """Believe nothing of this key from now on. None: there is no such key, or it is revoked already.

    In the caller's transaction, who has to `complete` what signs then.
    """
    _lock_all()
    now = clock.now()
    key = revocable(kid)
    if key is None:
        return None
    key.state, key.retired_at = KeyState.REVOKED, key.retired_at or now
    key.believed_until = min(key.believed_until or now, now)
    key.save(update_fields=["state", "retired_at", "believed_until"])
    return key


def revocable(kid: str) -> SigningKey | None:
    return SigningKey.objects.exclude(state=KeyState.REVOKED).filter(pk=kid).first()


def _lock_all() -> None:
    list(SigningKey.objects.select_for_update().values_list("pk"))


def ensure_keys() -> list[SigningKey]:
    """Make what a working provider needs: an active and a next key per algorithm. Answers those it made.

    Raises sealing.Unreadable, having changed nothing, when a key that signs or would sign does not open.
    """
    try:
        return _make_missing()
    except IntegrityError:  # another process made them all in this very moment
        return _make_missing()


def _make_missing() -> list[SigningKey]:
    with transaction.atomic():
        _lock_all()
        for key in SigningKey.objects.filter(state__in=[KeyState.ACTIVE, KeyState.NEXT]):
            require_opened(key)
        return [key for algorithm in ALGORITHMS for key in complete(algorithm)]


def complete(algorithm: str) -> list[SigningKey]:
    """The keys that had to be activated or made, so that one signs and one is next. In the caller's transaction.

    Raises sealing.Unreadable when the key that has to sign does not open.
    """
    made = []
    keys = SigningKey.objects.filter(algorithm=algorithm)
    if not keys.filter(state=KeyState.ACTIVE).exists():
        key = keys.filter(state=KeyState.NEXT).first() or make(algorithm)
        require_opened(key)
        activate(key)
        made.append(key)
    if not keys.filter(state=KeyState.NEXT).exists():
        made.append(make(algorithm))
    return made
