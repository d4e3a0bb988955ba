"""The documents of clients whose id is their address: fetched before anybody signs in, judged, and kept for a while.

Whoever writes such an id into a link makes this machine send a request to a place of their choice. So it goes through
the one door (`common.outbound`), by threads of its own, once however many ask, and no oftener than the limits below
allow: of one network, to one host, and in all. What failed is never kept, and not asked again at once either. A client
that was read before does not stand in the queue of strangers. Rules C4, C5 and C14.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypedDict
from urllib.parse import urlsplit

from clients import identifiers
from common import client_url, clock, counters, outbound
from common.client_url import Unacceptable, Verdict
from common.counters import Limit
from common.memory import Memory
from common.networks import allowed_at, network_of
from provider.document_rules import read, verdicts
from provider.protocol import client_document, freshness
from provider.protocol.client_document import Answer, Document

logger = logging.getLogger(__name__)
ACCEPT = "application/json, application/*+json"
TIMEOUT = 5.0  # seconds of a fetch
MAX_WAIT = 6.0  # of a request: a fetch ends before
MAX_WAITING = 4  # requests of a process that wait for strangers, and as many for clients that were read before
MAX_FETCHES = 8  # at once, likewise
MAX_KEPT = 1_000  # documents of five kilobytes at most
SHARED_FOR = 600  # seconds that a document stays in the cache of all processes at most: seven megabytes of strangers
FAILED = Limit("client-document", 1, 15)  # this address failed a moment ago
UNREACHED = Limit("client-document-host", 1, 15)  # nobody answers at this host and port
PER_NETWORK = Limit("client-documents-network", 30, 300)  # fetches because of one network
PER_HOST = Limit("client-documents-host", 30, 60)  # of addresses at one host that were never good
IN_ALL = Limit("client-documents", 120, 60)  # the same, anywhere
KEPT = "client-document-kept"


class Unavailable(Exception):
    """There is no document that says who this client is: nobody signs in for it, and nobody is sent anywhere.

    The sentence names the cause and nothing that was sent. `later`: it was not looked at, and may be in a moment.
    `verdicts`: what every rule says of it.
    """

    def __init__(
        self, client_id: str, cause: str, *, rule: str = "C4", later: bool = False, verdicts: Iterable[Verdict] = ()
    ) -> None:
        super().__init__(cause)
        self.client_id, self.rule, self.later, self.verdicts = client_id, rule, later, tuple(verdicts)

    def again(self) -> Unavailable:
        """The same for another request that waited: an exception is raised once."""
        return Unavailable(self.client_id, str(self), rule=self.rule, later=self.later, verdicts=self.verdicts)

    @property
    def host(self) -> str:
        """As people are shown it; empty where the id has none."""
        return client_url.shown_host(client_url.host_of(self.client_id)) if self.rule not in client_url.RULES else ""


class _Shared(TypedDict):
    """As the cache of all processes has it: judged anew by whoever takes it from there."""

    content_type: str
    body: bytes
    read_at: float
    until: float


@dataclass(slots=True)
class _Kept:
    document: Document | None = None
    fresh_until: float = 0.0
    fetching: threading.Event | None = None
    failed: Unavailable | None = None


@dataclass(slots=True)
class _Lane:
    """How many may fetch, and wait for it, at once."""

    fetches: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MAX_FETCHES))
    waiting: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MAX_WAITING))


def fetch(client_id: str, *, for_strangers: bool = True) -> tuple[Answer, int]:
    """What stands there now, and for how many seconds it counts. Raises outbound.Unreachable."""
    most = client_document.MAX_BYTES
    body, headers = outbound.get_with_headers(client_id, ACCEPT, most, TIMEOUT, for_strangers=for_strangers)
    return Answer(headers.get("content-type", ""), body), freshness.lifetime(headers)


class FetchedDocuments:
    """One for a process, shared by its threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._lanes = {False: _Lane(), True: _Lane()}

    def find(self, client_id: str, address: str, *, known: bool = False) -> Document:
        """The document of this client, fetched where none is kept that counts still. Raises Unavailable.

        `address`: whoever asks. `known`: a client that was let in before.
        """
        try:
            client_url.check(client_id, identifiers.own_addresses())
        except Unacceptable as error:
            raise Unavailable(client_id, str(error), rule=error.rule) from None
        if (document := self.at_hand(client_id)) is not None:
            return document
        with self._lock:
            kept = self._entry(client_id)
            known = known or kept.document is not None
        if (document := self._from_others(client_id, kept)) is not None:
            return document
        return self._fetched(client_id, kept, address, self._lanes[known], limited=not known)

    def at_hand(self, client_id: str, grace: float = 0.0) -> Document | None:
        """What this process read a moment ago, if that counts still. Nothing is fetched.

        `grace`: for a request that began while it did.
        """
        with self._lock:
            kept = self._kept.get(client_id)
            return kept.document if kept is not None and time.monotonic() < kept.fresh_until + grace else None

    def look_again(self, client_id: str) -> tuple[Document | None, bool]:
        """For requests that must not wait: what was read last, and whether the last fetch failed.

        Where that counts no longer, a fetch begins beside the request. Who asks seldom hears of it the next time.
        """
        with self._lock:
            kept = self._entry(client_id)
            settled = kept.fetching is not None or time.monotonic() < kept.fresh_until
        if not settled and self._from_others(client_id, kept) is None:
            try:
                _refuse_too_soon(client_id)
                self._begin(client_id, kept, self._lanes[True])
            except Unavailable:
                pass
        with self._lock:
            return (None, True) if kept.failed is not None else (kept.document, False)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def _entry(self, client_id: str) -> _Kept:
        kept = self._kept.setdefault(client_id, _Kept())
        self._kept.move_to_end(client_id)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return kept

    def _from_others(self, client_id: str, kept: _Kept) -> Document | None:
        """What another process read. It was good then, and is judged by the rules of this one."""
        shared: _Shared | None = counters.ask(lambda cache: cache.get(counters.key_of(KEPT, client_id)))
        left = shared["until"] - time.time() if shared is not None else 0.0
        if shared is None or left <= 0:
            return None
        try:
            answer = Answer(shared["content_type"], shared["body"])
            document = replace(read(client_id, answer), read_at=shared["read_at"])
        except Unacceptable:
            return None
        self._keep(kept, document, left)
        return document

    def _keep(self, kept: _Kept, document: Document, seconds: float) -> None:
        with self._lock:
            kept.document, kept.fresh_until, kept.failed = document, time.monotonic() + seconds, None

    def _fetched(self, client_id: str, kept: _Kept, address: str, lane: _Lane, *, limited: bool) -> Document:
        with self._lock:
            fetching = kept.fetching
        if fetching is None:
            _refuse_too_soon(client_id)
            if limited:
                _refuse_too_many(client_id, address)
            fetching = self._begin(client_id, kept, lane)
        self._wait(client_id, fetching, lane)
        with self._lock:
            if kept.failed is not None:
                raise kept.failed.again()
        document = self.at_hand(client_id)
        if document is None:  # it was pushed out of memory in this very moment
            raise _busy(client_id)
        return document

    def _begin(self, client_id: str, kept: _Kept, lane: _Lane) -> threading.Event:
        if not lane.fetches.acquire(blocking=False):
            raise _busy(client_id)
        with self._lock:
            if kept.fetching is not None:  # another request was quicker
                lane.fetches.release()
                return kept.fetching
            done = kept.fetching = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(client_id, kept, done, lane), daemon=True, name="client-document"
        )
        try:
            thread.start()
        except RuntimeError:  # the system has no more
            self._end(kept, done, lane, _busy(client_id))
        return done

    def _wait(self, client_id: str, fetching: threading.Event, lane: _Lane) -> None:
        if not lane.waiting.acquire(blocking=False):
            raise _busy(client_id)
        try:
            if not fetching.wait(MAX_WAIT):
                raise _busy(client_id)
        finally:
            lane.waiting.release()

    def _run(self, client_id: str, kept: _Kept, done: threading.Event, lane: _Lane) -> None:
        failed: Unavailable | None = None
        try:
            answer, seconds = fetch(client_id)
            document = replace(read(client_id, answer), read_at=clock.now().timestamp())
            self._keep(kept, document, seconds)
            _share(document, answer, seconds)
        except outbound.Unreachable as error:
            failed = Unavailable(client_id, str(error), rule="C3" if error.connected else "C4")
            if not error.connected:
                counters.count(UNREACHED, client_url.host_of(client_id))
        except Unacceptable as error:
            failed = Unavailable(client_id, str(error), rule=error.rule, verdicts=verdicts(client_id, answer))
        except Exception:  # a mistake of ours; whoever waits must not wait for ever
            logger.exception("A document at %s could not be read.", client_url.host_of(client_id))
            failed = Unavailable(client_id, "It could not be read.")
        if failed is not None:
            counters.count(FAILED, client_id)
            logger.warning("A document at %s cannot be used: %s", client_url.host_of(client_id), failed)
        self._end(kept, done, lane, failed)

    def _end(self, kept: _Kept, done: threading.Event, lane: _Lane, failed: Unavailable | None) -> None:
        with self._lock:
            kept.failed, kept.fetching = failed, None
        lane.fetches.release()
        done.set()


def _share(document: Document, answer: Answer, seconds: int) -> None:
    """With other processes, where there is a cache that they see: else it would be kept twice here."""
    if isinstance(counters.shared(), Memory):
        return
    seconds = min(seconds, SHARED_FOR)
    shared: _Shared = {
        "content_type": answer.content_type,
        "body": answer.body,
        "read_at": document.read_at,
        "until": time.time() + seconds,
    }
    counters.ask(lambda cache: cache.set(counters.key_of(KEPT, document.client_id), shared, seconds))


def _refuse_too_soon(client_id: str) -> None:
    host = client_url.host_of(client_id)
    if counters.is_reached(FAILED, client_id) or counters.is_reached(UNREACHED, host):
        raise Unavailable(client_id, "It was asked for a moment ago, and that failed. Try again later.", later=True)


def _refuse_too_many(client_id: str, address: str) -> None:
    """Counted before it is asked, and whatever comes of it: it is our requests that are limited."""
    name = urlsplit(client_id).hostname or ""
    mine = counters.count(PER_NETWORK, network_of(address)) > allowed_at(PER_NETWORK.amount, address)
    if mine or counters.count(PER_HOST, name) > PER_HOST.amount or counters.count(IN_ALL) > IN_ALL.amount:
        raise _busy(client_id)


def _busy(client_id: str) -> Unavailable:
    return Unavailable(client_id, "Too many such documents are being fetched. Try again later.", later=True)


shared = FetchedDocuments()
