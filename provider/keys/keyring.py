"""Signing keys at rest: made, encrypted, and moved through next → active → retired."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from jwcrypto import jwk

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import sealing
from common.jws import ALGORITHMS

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
    """A new key in state `next`; saved by the caller's transaction."""
    key = jwk.JWK.generate(**ALGORITHMS[algorithm].key)
    kid = key.thumbprint()
    public = {**key.export_public(as_dict=True), "kid": kid, "use": "sig", "alg": algorithm}
    return SigningKey.objects.create(
        kid=kid, algorithm=algorithm, public_jwk=public, private_jwk=encrypt(key.export_private())
    )


def activate(key: SigningKey) -> None:
    """Let this next key sign; the one that did is retired and stays published. Any other key changes nothing."""
    with transaction.atomic():
        locked = SigningKey.objects.select_for_update().filter(algorithm=key.algorithm)
        if (key.pk, KeyState.NEXT) not in set(locked.values_list("pk", "state")):
            return  # somebody else was quicker
        now = timezone.now()  # after waiting for the lock: how long a retired key is published counts from here
        locked.filter(state=KeyState.ACTIVE).exclude(pk=key.pk).update(state=KeyState.RETIRED, retired_at=now)
        locked.filter(pk=key.pk, state=KeyState.NEXT).update(state=KeyState.ACTIVE, activated_at=now)


def ensure_keys() -> list[SigningKey]:
    """Make what a working provider needs: an active and a next key per algorithm. Answers those it made.

    Raises sealing.Unreadable, having changed nothing, when a key that signs or would sign does not open.
    """
    try:
        return _make_missing()
    except IntegrityError:  # another process made them all in this very moment
        return _make_missing()


def _make_missing() -> list[SigningKey]:
    made = []
    with transaction.atomic():
        present = set(SigningKey.objects.select_for_update().values_list("algorithm", "state"))
        for key in SigningKey.objects.exclude(state=KeyState.RETIRED):
            require_opened(key)
        for algorithm in ALGORITHMS:
            if (algorithm, KeyState.ACTIVE) not in present:
                key = SigningKey.objects.filter(algorithm=algorithm, state=KeyState.NEXT).first() or make(algorithm)
                activate(key)
                made.append(key)
                present.discard((algorithm, KeyState.NEXT))
            if (algorithm, KeyState.NEXT) not in present:
                made.append(make(algorithm))
    return made
