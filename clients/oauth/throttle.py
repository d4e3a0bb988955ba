"""A limit on wrong client secrets: per client and address, and per address. Only failures count.

Counters live in the shared cache. Without a cache nobody is locked out: secrets made here cannot be guessed anyway.
Asking it with every request would cost more than the rest of authentication, so a process believes for a second that
somebody may try, until it sees a wrong secret from there itself: a limit is passed by one guess per thread at most.
"""

from __future__ import annotations

import hashlib
import logging
import time

from django.core.cache import cache

logger = logging.getLogger(__name__)
WINDOW = 300  # seconds
PER_CLIENT = 20
PER_ADDRESS = 100
BELIEVED = 1.0  # seconds
MAX_BELIEVED = 10_000  # addresses, and clients of one
_free_until: dict[str, dict[str, float]] = {}  # address, client


def _keys(client_id: str, address: str) -> list[tuple[str, int]]:
    # Hashed: a cache key has a length and an alphabet, what was sent has neither.
    pair = hashlib.sha256(f"{address}\0{client_id}".encode(errors="replace")).hexdigest()
    alone = hashlib.sha256(address.encode(errors="replace")).hexdigest()
    return [(f"secret-guesses:{pair}", PER_CLIENT), (f"secret-guesses:{alone}", PER_ADDRESS)]


def blocked(client_id: str, address: str) -> bool:
    """Whether this address may try no more for now."""
    now = time.monotonic()
    if _free_until.get(address, {}).get(client_id, 0) > now:
        return False
    if _over_limit(client_id, address):
        return True
    _believe(client_id, address, now + BELIEVED)
    return False


def _believe(client_id: str, address: str, until: float) -> None:
    # Made-up names fill nothing: they are refused, which forgets their address.
    for believed in (_free_until, _free_until.setdefault(address, {})):
        if len(believed) >= MAX_BELIEVED:
            believed.clear()
    _free_until.setdefault(address, {})[client_id] = until


def _over_limit(client_id: str, address: str) -> bool:
    limits = _keys(client_id, address)
    try:
        counts = cache.get_many([key for key, _limit in limits])
    except Exception:
        logger.exception("The cache does not answer: wrong client secrets are not limited now")
        return False
    return any(counts.get(key, 0) >= limit for key, limit in limits)


def failed(client_id: str, address: str) -> None:
    """Count one wrong secret."""
    _free_until.pop(address, None)
    try:
        for key, _limit in _keys(client_id, address):
            _count(key)
    except Exception:
        logger.exception("The cache does not answer: a wrong client secret was not counted")


def _count(key: str) -> None:
    if not cache.add(key, 1, WINDOW):
        try:
            cache.incr(key)
        except ValueError:  # expired between the two calls
            cache.add(key, 1, WINDOW)
