"""The issuer: how it has to be written, and what follows from it.

It is an origin, and the path below which everything of ours lives where the origin is shared with other sites:
`https://example.com/auth`. Whatever we print begins with it, and nothing that a request says changes it.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import idna
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_HOST = 253  # characters of a name in the DNS
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")
# Unreserved characters (RFC 3986 section 2.3): nobody writes them in two ways. No segment begins with a dot.
PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_INVISIBLE = re.compile(r"[\t\r\n]")  # browsers leave them out of addresses


# --- What follows from it --------------------------------------------------------------------------------------------
def origin() -> str:
    """Scheme, host and port: what browsers compare."""
    return split(settings.IDP_ISSUER)[0]


def path() -> str:
    """What every path of ours begins with: `/auth`, or nothing."""
    return split(settings.IDP_ISSUER)[1]


def url_of(path: str) -> str:
    """The whole address of a path that `reverse` gave."""
    return origin() + path


def holds(address: str) -> bool:
    """Whether this path (and query) is ours, as browsers read it: beside us other sites may live at the same origin."""
    if not address.startswith("/") or not path():
        return address.startswith("/")
    read = unquote(_INVISIBLE.sub("", address).partition("?")[0].partition("#")[0]).replace("\\", "/")
    return f"{read}/".startswith(f"{path()}/") and {".", ".."}.isdisjoint(read.split("/"))


@lru_cache(maxsize=16)
def split(issuer: str) -> tuple[str, str]:
    url = urlsplit(issuer)
    return f"{url.scheme}://{url.netloc}", url.path


# --- How it has to be written ----------------------------------------------------------------------------------------
def checked_issuer(value: str) -> str:
    """The issuer, written as browsers write its origin and as apps compare it (OpenID Connect Discovery 1.0 section 3).

    One that is written otherwise would never be answered, or never match. https is required except on loopback: codes
    and tokens travel to and from the issuer.
    """
    try:
        url = urlsplit(value)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise ImproperlyConfigured(f"IDP_ISSUER is not a URL: {value!r}.") from None
    if url.scheme not in DEFAULT_PORTS or not host or port == 0:
        raise ImproperlyConfigured(f"IDP_ISSUER must look like https://id.example.com, not {value!r}.")
    if url.query or url.fragment or "@" in url.netloc:
        raise ImproperlyConfigured(f"IDP_ISSUER must be a scheme, a host and at most a path, nothing else: {value!r}.")
    host = _host(host, value)
    if url.scheme == "http" and host not in LOOPBACK_NAMES:
        raise ImproperlyConfigured(f"IDP_ISSUER must use https off loopback: {value!r}.")
    issuer = _origin(url.scheme, host, port) + _checked_path(url.path, value)
    if value not in (issuer, issuer if split(issuer)[1] else f"{issuer}/"):
        raise ImproperlyConfigured(f"IDP_ISSUER must be written as browsers write it, {issuer}, not {value!r}.")
    return issuer


def hosts_of(issuer: str) -> list[str]:
    """The names that a Host header may have for this issuer, as Django compares them."""
    host = urlsplit(issuer).hostname or ""
    names = dict.fromkeys([host, *(LOOPBACK_NAMES if host in LOOPBACK_NAMES else ())])
    return [_in_brackets(name) for name in names]


def _host(host: str, value: str) -> str:
    """The host as browsers send it; refuses what they or Django's host check would not take."""
    refused = ImproperlyConfigured(f"IDP_ISSUER has no host name or address that browsers can send: {value!r}.")
    try:
        if ":" in host:
            return ipaddress.IPv6Address(host if "%" not in host else "").compressed
        host = host.removesuffix(".")
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
        if _NUMBER.fullmatch(host.rpartition(".")[2]):  # browsers take it for an address
            return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise refused from None
    if len(host) > MAX_HOST or not _NAME.fullmatch(host):
        raise refused
    return host


def _origin(scheme: str, host: str, port: int | None) -> str:
    """Without the default port of the scheme (RFC 6454 section 6.2)."""
    without = port in (None, DEFAULT_PORTS[scheme])
    return f"{scheme}://{_in_brackets(host)}" + ("" if without else f":{port}")


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _checked_path(path: str, value: str) -> str:
    path = path.rstrip("/")
    if not PATH.fullmatch(path):
        raise ImproperlyConfigured(
            f"The path of IDP_ISSUER may have letters, digits and . _ ~ - between single slashes: {value!r}."
        )
    return path
