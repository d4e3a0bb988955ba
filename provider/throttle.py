"""A limit on wrong client secrets: per client and address, and per address. Only failures count.

Counters live in the shared cache. Without a cache nobody is locked out: generated secrets cannot be guessed anyway.

Reading the cache with every request would cost more than the rest of authentication. So a process trusts an answer for
a second (of an address without failures, for all its clients at once) until it sees a wrong secret from there itself. A
limit is exceeded by one guess per thread at most.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import time
from functools import lru_cache

from django.core.cache import cache

from provider.facts import MAX_CLIENT_ID

logger = logging.getLogger(__name__)
WINDOW = 300  # seconds
PER_CLIENT = 20
PER_ADDRESS = 100
TRUST_SECONDS = 1.0  # seconds
MAX_REMEMBERED = 10_000  # addresses, and clients of one
IPV6_PREFIX = 64  # bits; allauth counts people's guesses by as many
_ANY_CLIENT = None
_unblocked_until: dict[str, dict[str | None, float]] = {}  # address, client


@lru_cache(maxsize=1024)
def _network_of(address: str) -> str:
    """What is counted for this address: an IPv6 host has a whole network, and could change its address per guess."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.ipv4_mapped:
        return address
    return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX), strict=False))


def _cache_key(*parts: str) -> str:
    """A cache key has a limited length and alphabet. What was sent has neither."""
    return "secret-guesses:" + hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def _keys(client_id: str, address: str) -> list[tuple[str, int]]:
    return [(_cache_key("pair", address, client_id), PER_CLIENT), (_cache_key("address", address), PER_ADDRESS)]


def _recent_failure_key(address: str) -> str:
    """A mark that lives as long as any counter of this address: each failure renews it, but not the counters."""
    return _cache_key("lately", address)


def blocked(client_id: str, address: str) -> bool:
    """Whether this address must wait before it tries again."""
    address = _network_of(address)
    unblocked, now = _unblocked_until.get(address, {}), time.monotonic()
    if unblocked.get(_ANY_CLIENT, 0) > now or unblocked.get(client_id, 0) > now:
        return False
    keys = _keys(client_id, address)
    try:
        found = cache.get_many([_recent_failure_key(address), *(key for key, _limit in keys)])
    except Exception as error:
        logger.error("The cache does not answer: wrong client secrets are not limited now. It said: %s", error)
        _remember_unblocked(address, _ANY_CLIENT, now + TRUST_SECONDS)  # else every request would wait for it
        return False
    if any(found.get(key, 0) >= limit for key, limit in keys):
        return True
    _remember_unblocked(address, client_id if found else _ANY_CLIENT, now + TRUST_SECONDS)
    return False


def _remember_unblocked(address: str, client_id: str | None, until: float) -> None:
    if len(_unblocked_until) >= MAX_REMEMBERED:
        _unblocked_until.clear()
    unblocked = _unblocked_until.setdefault(address, {})
    if len(unblocked) >= MAX_REMEMBERED:
        unblocked.clear()
    if client_id is None or len(client_id) <= MAX_CLIENT_ID:
        unblocked[client_id] = until


def failed(client_id: str, address: str) -> None:
    """Count one wrong secret."""
    address = _network_of(address)
    _unblocked_until.pop(address, None)
    try:
        cache.set(_recent_failure_key(address), 1, WINDOW + 1)
        for key, _limit in _keys(client_id, address):
            _count(key)
    except Exception as error:
        logger.error("The cache does not answer: a wrong client secret was not counted. It said: %s", error)


def _count(key: str) -> None:
    if not cache.add(key, 1, WINDOW):
        try:
            cache.incr(key)
        except ValueError:  # expired between the two calls
            cache.add(key, 1, WINDOW)
