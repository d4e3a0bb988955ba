"""A receiver that fetches may wait until something happened (RFC 8936 section 2.2), without taking our threads away.

Who waits holds a thread of the server. So it is for some seconds only, for few at once in a process, and for each
stream once; whoever finds no place is answered at once, as if it had asked for that, and asks again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from uuid import UUID

from django.db.models import Exists, OuterRef

from clients import streams
from clients.models import Delivery, Stream
from clients.models.logout import NoticeState
from clients.models.stream import DeliveryMethod, StreamStatus

LONGEST = 20.0  # seconds; less than proxies wait for an answer, and less than a worker has for its end
EVERY = 1.0  # seconds between two looks
SHARE = 4  # one of so many threads of a process may be held; with fewer than that nobody waits

_waiting: set[UUID] = set()
_lock = threading.Lock()
_places = 2  # of a server that does not say how many threads it has


def begin(threads: int) -> None:
    """In a process that serves, with so many threads."""
    global _places
    _places = threads // SHARE


def wait_for_something(stream: Stream) -> None:
    """Until an event waits for this stream, or nothing can come, or the time is over."""
    with _place(stream.pk) as found:
        last = monotonic() + LONGEST
        while found and not _is_over(stream) and monotonic() < last:
            sleep(EVERY)


@contextmanager
def _place(stream: UUID) -> Iterator[bool]:
    with _lock:
        found = len(_waiting) < _places and stream not in _waiting
        if found:
            _waiting.add(stream)
    try:
        yield found
    finally:
        if found:
            with _lock:
                _waiting.discard(stream)


def _is_over(stream: Stream) -> bool:
    """One statement: there is something, or the stream is not fetched any more."""
    due = Delivery.objects.filter(stream=OuterRef("pk"), state=NoticeState.DUE)
    fetched = Stream.objects.filter(
        streams.ENTITLED, pk=stream.pk, method=DeliveryMethod.POLL, status=StreamStatus.ENABLED, client__enabled=True
    )
    return not fetched.filter(~Exists(due)).exists()
