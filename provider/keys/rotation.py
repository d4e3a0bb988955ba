"""When signing keys change: published, then active, then retired, each long enough for everybody to notice.

Apps may keep the JWKS they fetched for JWKS_MAX_AGE. A next key is published at least that long before it signs, and
a retired one as long as a token it signed may live. A revoked one counts for nothing at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import cache, clock
from projects.actors import Actor
from provider.keys import keyring, registration
from provider.keys.lifetimes import CLOCK_SKEW

JWKS_MAX_AGE = timedelta(seconds=300)


@dataclass(frozen=True, slots=True)
class Step:
    """What a rotation does for one algorithm, or what it waits for."""

    algorithm: str
    action: Literal["publish", "activate", "wait", "revoke"]
    kid: str = ""
    at: datetime | None = None  # of `wait`: when the next key may sign
    retires: bool = False  # of `activate`: whether a key signed before


def next_step(algorithm: str, now: datetime) -> Step:
    """Publish a next key when there is none; let it sign once everybody may know it; else wait."""
    waiting = SigningKey.objects.filter(algorithm=algorithm, state=KeyState.NEXT).first()
    if waiting is None:
        return Step(algorithm, "publish")
    known_from = waiting.created_at + JWKS_MAX_AGE + CLOCK_SKEW
    if now < known_from:
        return Step(algorithm, "wait", waiting.kid, known_from)
    retires = SigningKey.objects.filter(algorithm=algorithm, state=KeyState.ACTIVE).exists()
    return Step(algorithm, "activate", waiting.kid, retires=retires)


def require_opened(algorithm: str) -> None:
    """Raise sealing.Unreadable when the key that signs, or the next one, was sealed under a secret we do not have.

    The next key would be activated although nothing can be signed with it. And where the active one does not open, the
    secrets are not those of the servers: they could not open what is published from here.
    """
    for key in SigningKey.objects.filter(algorithm=algorithm, state__in=[KeyState.ACTIVE, KeyState.NEXT]):
        keyring.require_opened(key)


def rotate(algorithm: str, by: Actor) -> Step:
    """Take the next step. After an activation the key after it is published at once. Raises sealing.Unreadable."""
    with transaction.atomic():
        # Two rotations at once: the second one sees what the first one did.
        list(SigningKey.objects.select_for_update().filter(algorithm=algorithm).values_list("pk"))
        require_opened(algorithm)
        step = next_step(algorithm, clock.now())
        if step.action == "activate":
            registration.activate(step.kid, by)
        if step.action != "wait":
            made = registration.make(algorithm, by)
            return step if step.kid else Step(step.algorithm, step.action, made.kid)
    return step


def known() -> list[SigningKey]:
    """Every signing key there is, as this process remembers them."""
    return cache.once(_load_keys)


def _load_keys() -> list[SigningKey]:
    return list(SigningKey.objects.order_by("algorithm", "created_at", "kid"))


def published() -> tuple[str, ...]:
    """The ids of every key a valid token may carry, and of the next ones. While none has an end, no clock is read."""
    kids, ends = cache.once(_published)
    if not ends:
        return kids
    now = clock.now()
    over = {kid for kid, end in ends if end <= now}
    return tuple(kid for kid in kids if kid not in over) if over else kids


def _published() -> tuple[tuple[str, ...], tuple[tuple[str, datetime], ...]]:
    kept = [key for key in known() if key.state != KeyState.REVOKED]
    ends = tuple((key.kid, key.believed_until) for key in kept if key.believed_until is not None)
    return tuple(key.kid for key in kept), ends


def believed(key: SigningKey, late: timedelta) -> bool:
    """Whether a token of this key may still count: as long as apps find the key published, or `late` longer.

    The end was fixed when the key retired. Lifetimes of today say nothing of it: any client's editor may raise them.
    """
    if key.state == KeyState.REVOKED:
        return False
    return key.believed_until is None or clock.now() < key.believed_until + late


def signed_in_time(key: SigningKey, issued_at: object) -> bool:
    """Whether the key may have signed then. After it retired only a thief signs with it."""
    if key.retired_at is None:
        return True
    return isinstance(issued_at, int | float) and issued_at <= (key.retired_at + CLOCK_SKEW).timestamp()
