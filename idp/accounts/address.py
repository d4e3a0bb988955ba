"""The address a request came from: the peer, or what a configured reverse proxy says of it."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The nearest address that is not one of IDP_TRUSTED_PROXIES. Nobody else's X-Forwarded-For is believed."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    while hops and _trusted(address):
        address = hops.pop() or address
    return address


def _trusted(address: str) -> bool:
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(peer in ipaddress.ip_network(network, strict=False) for network in settings.IDP_TRUSTED_PROXIES)
