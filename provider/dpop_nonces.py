"""Nonces for DPoP proofs (RFC 9449 section 8): whoever knows one made its proof just now.

Nothing is kept. A nonce is a mark of its time window under the secrets that all nodes share, so any of them makes and
checks it, by the time of the database (`common.clock`).
"""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from common import clock, sealing

HEADER = "DPoP-Nonce"
PURPOSE = "nonces of DPoP proofs"
WINDOW = 150  # seconds. With the window before it, a nonce is good for two to five minutes


def header() -> dict[str, str]:
    return {HEADER: fresh()}


def fresh() -> str:
    """The nonce of this window."""
    return _made(clock.seconds() // WINDOW, tuple(settings.IDP_KEY_SECRETS))


def is_known(nonce: str) -> bool:
    """Whether we made it just now: in this window, the one before, or the next, where another node is already."""
    window = clock.seconds() // WINDOW
    return nonce.isascii() and any(
        sealing.has_fingerprint(PURPOSE, str(one), nonce) for one in (window, window - 1, window + 1)
    )


@lru_cache(maxsize=4)
def _made(window: int, _secrets: tuple[str, ...]) -> str:
    return sealing.fingerprint(PURPOSE, str(window))
