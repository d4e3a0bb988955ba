"""What is counted for an address: the network that one person has to themselves, as far as an address tells."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from django.conf import settings

IPV6_PREFIX = 64  # bits; allauth counts by as many
SHARED_FACTOR = 50  # how many times more failures a network of IDP_SHARED_NETWORKS may have


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """An IPv6 host has a whole network, and could change its address with each guess."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.ipv4_mapped:
        return address
    return str(ipaddress.ip_network((int(parsed), IPV6_PREFIX), strict=False))


def is_shared(address: str) -> bool:
    """Whether the deployment says that many people share the network of this address."""
    return bool(settings.IDP_SHARED_NETWORKS) and _is_in(address, tuple(settings.IDP_SHARED_NETWORKS))


def allowed_at(amount: int, address: str) -> int:
    """How many there may be of what the network of this address may do `amount` times, and a shared one more often."""
    return amount * (SHARED_FACTOR if is_shared(address) else 1)


@lru_cache(maxsize=1024)
def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network) for network in networks)
