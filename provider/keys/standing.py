"""Where each signing key stands: what comes next for it, which secret opens it, and what is missing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from clients.models import SigningKey
from clients.models.keys import KeyState
from common import sealing
from common.jws import ALGORITHMS
from provider.keys import keyring
from provider.keys.lifetimes import CLOCK_SKEW
from provider.keys.rotation import JWKS_MAX_AGE

ENDED = (KeyState.RETIRED, KeyState.REVOKED)
NOTHING = "none of IDP_KEY_SECRETS"


def sealed_under(key: SigningKey) -> int | None:
    try:
        return sealing.number_of(keyring.PURPOSE, key.private_jwk)
    except sealing.Unreadable:
        return None


def problems(keys: Collection[SigningKey]) -> list[str]:
    found = []
    for algorithm in ALGORITHMS:
        for state, remedy in ((KeyState.ACTIVE, "run quickstart"), (KeyState.NEXT, "run rotatekeys")):
            of_it = [one for one in keys if one.algorithm == algorithm and one.state == state]
            if not of_it:
                found.append(f"{algorithm}: there is no {state} key: {remedy}.")
            elif sealed_under(of_it[0]) is None:
                found.append(f"{algorithm}: the {state} key opens with {NOTHING}: add the secret it was sealed under.")
    return found


def next_change(key: SigningKey, now: datetime) -> tuple[str, datetime | None]:
    """What becomes of it, and when; no moment: when somebody rotates."""
    if key.state == KeyState.NEXT:
        known_from = key.created_at + JWKS_MAX_AGE + CLOCK_SKEW
        return ("may sign", known_from) if known_from > now else ("may sign now: rotatekeys", None)
    if key.state == KeyState.ACTIVE:
        return "retires with the next rotation", None
    if key.state == KeyState.RETIRED:
        return ("leaves the JWKS" if (key.believed_until or now) > now else "left the JWKS"), key.believed_until
    return "was revoked", key.believed_until
