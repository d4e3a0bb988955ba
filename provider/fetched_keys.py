"""The keys of clients that have them at an address of their own (`jwks_uri`): fetched, kept, and fetched again.

Somebody else's server must not slow down ours, nor the clients of others. So a client's keys are fetched by a thread of
their own, once however many ask, and at most once a minute whatever comes: an unknown key ID, or a server that fails.
Who needs them waits a moment, and only few wait at once. A client whose keys are known waits for nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from clients import keys
from common import jws, outbound
from common.json_type import Json
from provider.protocol.errors import TemporarilyUnavailable

logger = logging.getLogger(__name__)
FRESH = 600.0  # seconds for which keys are used without asking again
USABLE = 3_600.0  # while nobody answers: a key that was taken away counts no longer than that
RETRY = 60.0  # between two fetches for one client
TIMEOUT = 5.0  # of a fetch
MAX_WAIT = 3.0  # of a request
MAX_WAITING = 2  # requests of a process; what needs no fetch has all other threads
MAX_FETCHES = 8  # at once
MAX_BYTES = 65_536
MAX_KEPT = 1_000  # clients
ACCEPT = "application/jwk-set+json, application/json"

Name = tuple[int, str]  # a client, and its address: another one is another name


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A public key that may check signatures. `algorithm` empty: whichever it fits."""

    kid: str
    kty: str
    algorithm: str
    thumbprint: str
    public: jws.PublicKey

    def may_verify(self, algorithm: str) -> bool:
        return self.algorithm in ("", algorithm) and jws.fits(algorithm, self.public)


@dataclass(slots=True)
class _Kept:
    keys: tuple[ClientKey, ...] = ()
    fresh_until: float = 0.0
    usable_until: float = 0.0
    next_try: float = 0.0
    fetching: threading.Event | None = None
    problem: str = field(default="", compare=False)

    def usable(self) -> tuple[ClientKey, ...]:
        return self.keys if time.monotonic() < self.usable_until else ()


def read(document: Json) -> tuple[ClientKey, ...]:
    """Those of a key set that can be used here: others may be for other purposes."""
    found = [one for key in keys.keys_of(document)[: 2 * keys.MAX_KEYS] if (one := _read(key)) is not None]
    return tuple(found[: keys.MAX_KEYS])


def _read(key: Mapping[str, Json]) -> ClientKey | None:
    if keys.problems({"keys": [key]}):
        return None
    print_ = jws.thumbprint(key)
    return ClientKey(
        str(key.get("kid") or print_), str(key["kty"]), str(key.get("alg") or ""), print_, jws.public_key(key)
    )


class FetchedKeys:
    """One for a process, shared by its threads.

    `may_ask`: whether this address may be asked at all now; it is asked before each fetch.
    `for_strangers`: whether anybody may have written the addresses.
    """

    def __init__(self, may_ask: Callable[[Name], bool] = lambda _name: True, *, for_strangers: bool = False) -> None:
        self._may_ask, self._for_strangers = may_ask, for_strangers
        self._kept: OrderedDict[Name, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)
        self._fetches = threading.BoundedSemaphore(MAX_FETCHES)

    def find(self, name: Name, kid: str | None) -> tuple[ClientKey, ...]:
        """The keys of this client; fetched when they are old, or lack this ID. Raises TemporarilyUnavailable."""
        now = time.monotonic()
        with self._lock:
            kept = self._entry(name)
            usable = kept.usable()
            known = bool(usable) and (kid is None or any(one.kid == kid for one in usable))
            if not (known and now < kept.fresh_until) and now >= kept.next_try:
                self._begin(name, kept, now)
            fetching = kept.fetching
        if known or fetching is None:
            return usable
        self._wait(fetching)
        return kept.usable()  # the fetch may have failed, and what was kept be too old

    def problem(self, name: Name) -> str:
        """Why the last fetch of this process failed, for whoever runs the client."""
        with self._lock:
            kept = self._kept.get(name)
            return kept.problem if kept else ""

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def key_set(self, address: str) -> Json:
        """What is there now. Raises outbound.Unreachable, orjson.JSONDecodeError."""
        document: Json = orjson.loads(
            outbound.get(address, ACCEPT, MAX_BYTES, TIMEOUT, for_strangers=self._for_strangers)
        )
        return document

    def _entry(self, name: Name) -> _Kept:
        kept = self._kept.setdefault(name, _Kept())
        self._kept.move_to_end(name)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return kept

    def _begin(self, name: Name, kept: _Kept, now: float) -> None:
        """Nobody waits for a thread here: where too many fetch already, the next request tries again."""
        if kept.fetching is not None or not self._may_ask(name) or not self._fetches.acquire(blocking=False):
            return
        kept.next_try, kept.fetching = now + RETRY, threading.Event()
        thread = threading.Thread(target=self._fetch, args=(name, kept, kept.fetching), daemon=True, name="client-keys")
        try:
            thread.start()
        except RuntimeError:  # the system has no more
            kept.fetching = None
            self._fetches.release()

    def _wait(self, fetching: threading.Event) -> None:
        if not self._waiting.acquire(blocking=False):
            raise TemporarilyUnavailable("The keys of this client are being fetched.")
        try:
            if not fetching.wait(MAX_WAIT):
                raise TemporarilyUnavailable("The keys of this client are being fetched.")
        finally:
            self._waiting.release()

    def _fetch(self, name: Name, kept: _Kept, done: threading.Event) -> None:
        client, address = name
        try:
            document = self.key_set(address)
            found, is_set = read(document), isinstance(document, dict) and isinstance(document.get("keys"), list)
            problem = "" if found else "There is no key in it that can be used here."
        except (outbound.Unreachable, orjson.JSONDecodeError) as error:
            found, is_set = (), False
            problem = str(error) if isinstance(error, outbound.Unreachable) else "It is no JSON."
        except Exception:  # a mistake of ours; whoever waits must not wait for ever
            logger.exception("The keys of client %s could not be read.", client)
            found, is_set, problem = (), False, "They could not be read."
        now = time.monotonic()
        with self._lock:
            if is_set:  # one without keys says as well that the old ones count no longer
                kept.keys, kept.fresh_until, kept.usable_until = found, now + FRESH, now + USABLE
            kept.problem, kept.fetching = problem, None
        if problem:
            logger.warning("The keys of client %s could not be fetched: %s", client, problem)
        self._fetches.release()
        done.set()


shared = FetchedKeys()
