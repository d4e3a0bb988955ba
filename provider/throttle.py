"""A limit on wrong client secrets: per client and address, and per address. Only failures count.

Counters live in the shared cache. Without a cache nobody is locked out: secrets made here cannot be guessed anyway.
Asking it with every request would cost more than the rest of authentication, so a process believes for a second what it
heard, of an address without failures for all its clients at once, until it sees a wrong secret from there itself: a
limit is passed by one guess per thread at most.
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
BELIEVED = 1.0  # seconds
MAX_BELIEVED = 10_000  # addresses, and clients of one
IPV6_PREFIX = 64  # bits; allauth counts people's guesses by as many
_ANY_CLIENT = None
_free_until: dict[str, dict[str | None, float]] = {}  # address, client


@lru_cache(maxsize=1024)
def _counted(address: str) -> str:
    """What stands for this address. Who has one of IPv6 has all of its network, and would begin anew with each."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.ipv4_mapped:
        return address
    return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX), strict=False))


def _hashed(*parts: str) -> str:
    """A cache key has a length and an alphabet, what was sent has neither."""
    return "secret-guesses:" + hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def _keys(client_id: str, address: str) -> list[tuple[str, int]]:
    return [(_hashed("pair", address, client_id), PER_CLIENT), (_hashed("address", address), PER_ADDRESS)]


def _lately(address: str) -> str:
    """There as long as any counter of this address may be: it is set anew with each failure, they are not."""
    return _hashed("lately", address)


def blocked(client_id: str, address: str) -> bool:
    """Whether this address may try no more for now."""
    address = _counted(address)
    believed, now = _free_until.get(address, {}), time.monotonic()
    if believed.get(_ANY_CLIENT, 0) > now or believed.get(client_id, 0) > now:
        return False
    keys = _keys(client_id, address)
    try:
        found = cache.get_many([_lately(address), *(key for key, _limit in keys)])
    except Exception as error:
        logger.error("The cache does not answer: wrong client secrets are not limited now. It said: %s", error)
        _believe(address, _ANY_CLIENT, now + BELIEVED)  # nor is it waited for with every request
        return False
    if any(found.get(key, 0) >= limit for key, limit in keys):
        return True
    _believe(address, client_id if found else _ANY_CLIENT, now + BELIEVED)
    return False


def _believe(address: str, client_id: str | None, until: float) -> None:
    if len(_free_until) >= MAX_BELIEVED:
        _free_until.clear()
    believed = _free_until.setdefault(address, {})
    if len(believed) >= MAX_BELIEVED:
        believed.clear()
    if client_id is None or len(client_id) <= MAX_CLIENT_ID:
        believed[client_id] = until


def failed(client_id: str, address: str) -> None:
    """Count one wrong secret."""
    address = _counted(address)
    _free_until.pop(address, None)
    try:
        cache.set(_lately(address), 1, WINDOW + 1)
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
