"""How many apps may register themselves as guests within an hour, or change what they registered (rule R11).

A hosted app registers for everybody who uses it, from few addresses: whoever runs the provider names those networks in
IDP_SHARED_NETWORKS, and what all others do takes nothing from them.
"""

from __future__ import annotations

import ipaddress

from common import counters
from common.counters import Limit
from common.networks import allowed_at, is_shared
from provider.protocol.errors import TooManyRegistrations

PER_NETWORK = Limit("registrations-of-network", 100, 3600)
OVERALL = Limit("registrations", 2000, 3600)  # of all networks that are not shared ones
PREFIXES = {4: 24, 6: 48}  # bits of what somebody may have to themselves


def count(address: str) -> None:
    """Raises TooManyRegistrations. What is refused here is not counted against the others."""
    if counters.count(PER_NETWORK, _wide_network(address)) > allowed_at(PER_NETWORK.amount, address):
        raise TooManyRegistrations("Too many apps were registered from this network. Try again later.")
    if not is_shared(address) and counters.count(OVERALL) > OVERALL.amount:
        raise TooManyRegistrations("Too many apps were registered. Try again later.")


def _wide_network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((address, PREFIXES[parsed.version]), strict=False))
