"""Logos of clients: fetched for people, so that no browser of theirs asks an address that an app chose.

What is shown is a small picture, by its first bytes, from our own address. It is kept in memory for an hour; where
there is none, nobody asks again for ten minutes.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from common import outbound
from provider.protocol.facts import ClientFacts

FRESH, RETRY = 3_600.0, 600.0  # seconds
TIMEOUT = 3.0
MAX_BYTES = 65_536
MAX_KEPT = 200
MAX_FETCHES = 2  # at once; what needs no fetch has all other threads
# No SVG: it is a program.
KINDS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
ACCEPT = "image/png, image/jpeg, image/gif, image/webp"


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture; without a kind: there is none."""

    data: bytes = b""
    kind: str = ""
    until: float = 0.0


_kept: OrderedDict[str, Logo] = OrderedDict()
_lock = threading.Lock()
_fetches = threading.BoundedSemaphore(MAX_FETCHES)


def address_of(client: ClientFacts) -> str:
    """Where its logo is. A guest's is nobody's to vouch for: it could be anybody's."""
    return "" if client.guest else dict(client.pages).get("logo_uri", "")


def find(client: ClientFacts) -> Logo | None:
    uri = address_of(client)
    if not uri:
        return None
    with _lock:
        known = _kept.get(uri)
    if known is None or known.until < time.monotonic():
        known = _fetched(uri)
    return known if known is not None and known.kind else None


def forget() -> None:
    with _lock:
        _kept.clear()


def _fetched(uri: str) -> Logo | None:
    """None: others are being fetched, and this one waits for another visit."""
    if not _fetches.acquire(blocking=False):
        return None
    try:
        found = _read(uri)
    finally:
        _fetches.release()
    with _lock:
        _kept[uri] = found
        _kept.move_to_end(uri)
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)
    return found


def _read(uri: str) -> Logo:
    try:
        data = outbound.get(uri, ACCEPT, MAX_BYTES, TIMEOUT)
    except outbound.Unreachable:
        data = b""
    kind = kind_of(data)
    return Logo(data, kind, time.monotonic() + FRESH) if kind else Logo(until=time.monotonic() + RETRY)


def kind_of(data: bytes) -> str:
    """What its first bytes say, whatever its sender calls it; empty: no picture."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for begins, kind in KINDS if data.startswith(begins)), "")
