"""Documents of providers elsewhere: what they say of themselves, and their keys. Fetched, kept a while, and bounded.

Only superusers write their addresses. One process keeps few, and whoever needs one that is old waits for it a moment:
they are on their way to that provider anyway.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from common import jws, outbound
from common.json_type import Json
from projects.upstream.told import Refused

FRESH = 600.0  # seconds for which a document is used without asking again
AGAIN = 5.0  # for which nobody else waits for what has just failed
RETRY = 30.0  # between two fetches for a key that is not known
TIMEOUT = 5.0
MAX_BYTES = 131_072
MAX_KEPT = 100
MAX_KEYS = 50


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was there, or why it was of no use."""

    at: float
    body: bytes = b""
    refused: Refused | None = None


_kept: OrderedDict[str, _Kept] = OrderedDict()
_lock = threading.Lock()


def document(address: str, *, older_than: float = FRESH) -> Mapping[str, Json]:
    """The JSON object that is there. Raises Refused: nobody answers, or with something else."""
    return read(body(address, "application/json", older_than=older_than, is_good=read))


def body(address: str, accept: str, *, older_than: float = FRESH, is_good: Callable[[bytes], object]) -> bytes:
    """What is there, kept a while; what is not good (`is_good` raises Refused) is asked for again soon."""
    with _lock:
        known = _kept.get(address)
    age = time.monotonic() - known.at if known is not None else 0.0
    if known is not None and known.refused is not None and age < AGAIN:
        raise Refused(known.refused.reason, known.refused.detail)
    if known is not None and known.refused is None and age < older_than:
        return known.body
    try:
        found = fetch(address, accept)
        is_good(found)
    except Refused as error:
        _keep(address, _Kept(time.monotonic(), refused=error))
        raise
    _keep(address, _Kept(time.monotonic(), found))
    return found


def _keep(address: str, kept: _Kept) -> None:
    with _lock:
        _kept[address] = kept
        _kept.move_to_end(address)
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)


def fetch(address: str, accept: str) -> bytes:
    try:
        return outbound.get(address, accept, MAX_BYTES, TIMEOUT)
    except outbound.Unreachable as error:
        raise Refused("unreachable", str(error)) from None


def read(body: bytes) -> Mapping[str, Json]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Refused("malformed", "The answer is no JSON object.")
    return found


def forget() -> None:
    with _lock:
        _kept.clear()


def key(address: str, kid: Json, algorithm: str) -> jws.PublicKey | None:
    """The key of this name; without a name the only one that fits. An unknown name is looked for once more."""
    found = _pick(document(address), kid, algorithm)
    return found or _pick(document(address, older_than=RETRY), kid, algorithm)


def _pick(key_set: Mapping[str, Json], kid: Json, algorithm: str) -> jws.PublicKey | None:
    keys = key_set.get("keys")
    fitting = []
    for one in keys[:MAX_KEYS] if isinstance(keys, list) else ():
        if not isinstance(one, Mapping) or (kid is not None and one.get("kid") != kid):
            continue
        if one.get("use", "sig") != "sig" or one.get("alg", algorithm) != algorithm:
            continue
        try:
            public = jws.public_key(one)
        except jws.BadKey:
            continue
        if jws.fits(algorithm, public):
            fitting.append(public)
    return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None
