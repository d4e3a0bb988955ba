"""The address a request came from: the peer's, or the one that a configured reverse proxy reports."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from django.conf import settings


class Request(Protocol):
    @property
    def META(self) -> Mapping[str, object]: ...  # noqa: N802 - Django's name


def address_of(request: Request) -> str:
    """The nearest address that is not one of IDP_TRUSTED_PROXIES. Only their X-Forwarded-For is believed."""
    address = _without_ipv4_mapping(str(request.META.get("REMOTE_ADDR", "")))
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    if not forwarded:
        return address
    hops = [_without_ipv4_mapping(hop.strip()) for hop in forwarded.split(",")]
    proxies = tuple(settings.IDP_TRUSTED_PROXIES)
    while hops and _trusted(address, proxies):
        address = hops.pop() or address
    return address


def is_from_proxy(meta: Mapping[str, object]) -> bool:
    """Whether one of IDP_TRUSTED_PROXIES passed a request with these variables on."""
    peer = _without_ipv4_mapping(str(meta.get("REMOTE_ADDR", "")))
    return _trusted(peer, tuple(settings.IDP_TRUSTED_PROXIES))


def _without_ipv4_mapping(address: str) -> str:
    """IPv4-mapped IPv6 as IPv4: a server that listens at `::` sees such peers (RFC 4291 section 2.5.5.2)."""
    inside = address[:7].lower() == "::ffff:" and "." in address
    return address[7:] if inside else address


@lru_cache(maxsize=1024)
def _trusted(address: str, proxies: tuple[str, ...]) -> bool:
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(peer in ipaddress.ip_network(network, strict=False) for network in proxies)
