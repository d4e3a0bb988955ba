"""When does an audience cover another? Pure: standard library only, no Django.

The relation behind allowlists, ceilings, consents and API identifiers. It follows Ory's prefix rule by path
segments, and refuses, never repairs, what could be read in two ways (dot segments, escaped separators, userinfo).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

MAX_LENGTH = 2048
MAX_HOST = 253  # of a name in the DNS
_ALLOWED = re.compile(r"[\x21-\x7e]+")
_FORBIDDEN_CHARACTERS = frozenset('\\"<>^`{|}#')
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "file", "blob", "about", "vbscript"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

Mode = Literal["prefix", "exact"]


class Malformed(ValueError):
    """The text is not an audience; the message says why."""


@dataclass(frozen=True, slots=True)
class Audience:
    """A parsed audience. `canonical` is equal for two audiences exactly when they name the same thing."""

    canonical: str
    scheme: str = ""
    host: str = ""
    port: int | None = None
    segments: tuple[str, ...] = ()
    query: str | None = None

    @property
    def kind(self) -> Literal["name", "opaque", "url"]:
        if self.host:
            return "url"
        return "opaque" if self.scheme else "name"

    @property
    def origin(self) -> str:
        """Scheme, host and port: what prefix matching never crosses. Empty for names; the whole for opaque URIs."""
        if self.kind == "url":
            return f"{self.scheme}://{self.host}:{self.port or ''}"
        return self.canonical if self.scheme else ""


@lru_cache(maxsize=4096)  # a request compares each of its audiences with every entry of an allowlist
def parse(value: str) -> Audience:
    """Read one audience, or raise Malformed (protocol rules 1 to 5 of section 3)."""
    if not 1 <= len(value) <= MAX_LENGTH:
        raise Malformed(f"An audience has 1 to {MAX_LENGTH} characters.")
    if not _ALLOWED.fullmatch(value) or not _FORBIDDEN_CHARACTERS.isdisjoint(value):
        raise Malformed("An audience has only visible ASCII characters, and no fragment.")
    match = _SCHEME.fullmatch(value)
    if match is None:
        return Audience(canonical=value)
    scheme, rest = match[1].lower(), match[2]
    if not rest.startswith("//"):
        return Audience(canonical=f"{scheme}:{rest}", scheme=scheme)
    before, mark, query = rest[2:].partition("?")
    authority, slash, path = before.partition("/")
    host, port = _authority(scheme, authority)
    segments = _segments(slash + path)
    canonical = f"{scheme}://{host}"
    if port is not None and port != _DEFAULT_PORTS.get(scheme):
        canonical += f":{port}"
    canonical += "".join(f"/{segment}" for segment in segments) + mark + query
    return Audience(canonical, scheme, host, port, segments, query if mark else None)


def _authority(scheme: str, authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise Malformed("An audience must not contain a user name.")
    if authority.startswith("["):
        inside, bracket, after = authority[1:].partition("]")
        try:
            # A scope id ("%eth0") means something only on one machine.
            host = f"[{ipaddress.IPv6Address(inside).compressed}]" if "%" not in inside and bracket else ""
        except ValueError:
            host = ""
        if after and not after.startswith(":"):
            host = ""
        colon, port_text = after[:1], after[1:]
    else:
        host, colon, port_text = authority.partition(":")
        host = host.lower()
        if len(host) > MAX_HOST or not _HOST.fullmatch(host):
            host = ""
    if not host:
        raise Malformed("The host of an audience is missing or malformed.")
    if not colon:
        return host, _DEFAULT_PORTS.get(scheme)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port_text) or int(port_text) > 65535:
        raise Malformed("The port of an audience must be 1 to 65535.")
    return host, int(port_text)


def _segments(path: str) -> tuple[str, ...]:
    path = _ESCAPE.sub(_unescape, path).removesuffix("/")
    segments = tuple(path.split("/")[1:]) if path else ()
    if any(segment in ("", ".", "..") for segment in segments):
        raise Malformed("The path of an audience must not contain empty, '.' or '..' segments.")
    return segments


def _unescape(match: re.Match[str]) -> str:
    if match[1] is None:
        raise Malformed("A '%' in an audience must be followed by two hexadecimal digits.")
    character = chr(int(match[1], 16))
    if character in "/\\" or ord(character) < 0x20 or ord(character) == 0x7F:
        raise Malformed("The path of an audience must not contain an escaped slash, backslash or control character.")
    return character if character in _UNRESERVED else f"%{match[1].upper()}"


def matches(entry: Audience, requested: Audience, mode: Mode = "prefix") -> bool:
    """Rule 6: same kind, scheme, host and port; then equal, or for plain http(s) URLs a prefix by path segments."""
    if (entry.kind, entry.scheme, entry.host, entry.port) != (
        requested.kind,
        requested.scheme,
        requested.host,
        requested.port,
    ):
        return False
    exact = mode == "exact" or entry.scheme not in _DEFAULT_PORTS
    if exact or entry.kind != "url" or entry.query is not None or requested.query is not None:
        return entry.canonical == requested.canonical
    return requested.segments[: len(entry.segments)] == entry.segments


def covers(entry: str, requested: str, mode: Mode = "prefix") -> bool:
    """`matches` for texts; what is malformed covers nothing and is covered by nothing."""
    try:
        return matches(parse(entry), parse(requested), mode)
    except Malformed:
        return False


def canonical(value: str) -> str:
    """The canonical form of a well-formed audience; raises Malformed."""
    return parse(value).canonical


def check_registrable(value: str, *, plain_http: bool = False) -> Audience:
    """Raise Malformed unless `value` may be registered as an allowlist entry or an API identifier.

    http is for loopback only, unless the deployment says otherwise: a token sent there travels in clear.
    """
    audience = parse(value)
    if audience.scheme in _FORBIDDEN_SCHEMES:
        raise Malformed(f"'{audience.scheme}:' can never be an audience.")
    if audience.scheme == "http" and audience.host not in _LOOPBACK and not plain_http:
        raise Malformed("Use https; http is for loopback hosts only.")
    return audience
