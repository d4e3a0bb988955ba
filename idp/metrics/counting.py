"""What a process counts: requests by what they were, and what happened, by kind.

A label is a name of ours: an endpoint of the URL table, a grant of GRANTS, a code of a Refusal, the key of a project
that there is, a kind of event. Nothing that was sent becomes one, so nobody makes new series, or reads there what
others sent.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter as TallyOf
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import Model
from django.db.models.signals import post_save
from prometheus_client import CollectorRegistry, Counter, Histogram

from accounts.events import many_recorded
from accounts.models import AccountEvent, AccountEventKind
from clients.models import SecurityEvent
from common.arrival import Arrival
from provider.admin.event_words import WORDS
from provider.grants import GRANTS
from provider.protocol.errors import Refusal

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
OTHER = "other"
EVERY = 0.5  # seconds until what was noted is added up
MOST_WAITING = 100_000  # requests, and as many of the others; the oldest are forgotten
Key = tuple[str, str, int, str, str]  # endpoint, grant, status, error, project
Seen = tuple[Key, float]
Heard = tuple[str, ...]  # the name of a counter, and the values of its labels
MOST_PROJECTS = 200  # that have numbers of their own, in each process
# Loggers that say that a neighbour does not answer.
TROUBLE = {
    "provider.endpoints.http": "database",
    "provider.store.refusals": "database",
    "common.counters": "cache",
    "idp.health": "cache",
}

logger = logging.getLogger(__name__)


class Counts:
    """The meter (`common.meter`), and a handler of the log beside it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "vestibule_requests_total",
            "Requests that were answered.",
            ("endpoint", "grant", "status", "error", "project"),
            registry=registry,
        )
        self._seconds = Histogram(
            "vestibule_request_seconds",
            "How long answers took.",
            ("endpoint",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._events = Counter(
            "vestibule_events_total", "What account and security events say.", ("log", "kind"), registry=registry
        )
        self._trouble = Counter(
            "vestibule_trouble_total", "How often a neighbour did not answer.", ("neighbour",), registry=registry
        )
        self._lines = Counter("vestibule_log_lines_total", "Lines of the log.", ("level",), registry=registry)
        self._came: deque[Seen] = deque(maxlen=MOST_WAITING)
        self._heard: deque[Heard] = deque(maxlen=MOST_WAITING)
        self._others = {"events": self._events, "trouble": self._trouble, "lines": self._lines}
        self._at_nothing = False
        self._by_request: dict[Key, Counter] = {}
        self._by_endpoint: dict[str, Histogram] = {}
        self._projects: set[str] = set()

    def came(self, came: Arrival) -> None:
        """Nothing to do yet."""

    def answered(self, endpoint: str, came: Arrival, status: int, _meta: Mapping[str, object]) -> None:
        """Noted here, which takes a millionth of a second; added up a little later, by nobody who is waited for."""
        client = came.client
        project = client.project_key if client is not None else ""
        self._came.append(((endpoint, came.grant, status, came.error, project), time.perf_counter() - came.at))

    def begin(self) -> None:
        """In a process that serves, after it was forked: threads do not survive that.

        What the process that forks it noted meanwhile is not counted: each of its workers would count it again.
        """
        self._came.clear()
        self._heard.clear()
        threading.Thread(target=self._add_up_again_and_again, name="metrics", daemon=True).start()

    def _add_up_again_and_again(self) -> None:
        trouble = ""
        while True:
            try:
                self.add_up()
                trouble = ""
            except Exception as error:  # files that are gone, say: requests are answered all the same
                before, trouble = trouble, f"{type(error).__name__}: {error}"
                if trouble != before:
                    logger.exception("What happens here cannot be counted.")
            time.sleep(EVERY)

    def add_up(self) -> None:
        """What was noted until now. Only here are files written, so only here can one be missing."""
        self._begin_at_nothing()
        numbers: TallyOf[Key] = TallyOf()
        took: defaultdict[str, list[float]] = defaultdict(list)
        for _each in range(len(self._came)):
            key, seconds = self._came.popleft()
            numbers[key] += 1
            took[key[0]].append(seconds)
        for key, number in numbers.items():
            self._counter(key).inc(number)
        for endpoint, lengths in took.items():
            _observe(self._timer(endpoint), lengths)
        heard = TallyOf(self._heard.popleft() for _each in range(len(self._heard)))
        for (name, *labels), number in heard.items():
            self._others[name].labels(*labels).inc(number)

    def _begin_at_nothing(self) -> None:
        """A series that comes with its first event is at 1 when it is first seen, and nobody sees that it rose."""
        if not self._at_nothing:
            for name, *labels in _known():
                self._others[name].labels(*labels)
            self._at_nothing = True

    def _counter(self, key: Key) -> Counter:
        counter = self._by_request.get(key)
        if counter is None:
            counter = self._by_request[key] = self._requests.labels(*self._labels(*key))
        return counter

    def _timer(self, endpoint: str) -> Histogram:
        timer = self._by_endpoint.get(endpoint)
        if timer is None:
            timer = self._by_endpoint[endpoint] = self._seconds.labels(endpoint)
        return timer

    def _labels(self, endpoint: str, grant: str, status: int, error: str, project: str) -> tuple[str, ...]:
        grant = grant if not grant or grant in GRANTS else OTHER
        error = error if not error or error in codes() else OTHER
        if project and project not in self._projects:
            if len(self._projects) < MOST_PROJECTS:
                self._projects.add(project)
            else:
                project = OTHER
        return endpoint, grant, str(status), error, project

    def event(self, sender: type[Model], instance: Model, created: bool, **_signal: object) -> None:
        """Noted, as requests are: whoever records an event may be in the middle of a transaction."""
        if not created:
            return
        if isinstance(instance, AccountEvent):
            known = instance.kind in AccountEventKind.values
            self._heard.append(("events", "account", str(instance.kind) if known else OTHER))
        elif isinstance(instance, SecurityEvent):
            self._heard.append(("events", "security", instance.kind if instance.kind in WORDS else OTHER))

    def events(self, sender: type[Model], rows: Sequence[Model], **_signal: object) -> None:
        for row in rows:
            self.event(sender, row, created=True)

    def line(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            return
        self._heard.append(("lines", "error" if record.levelno >= logging.ERROR else "warning"))
        if record.levelno >= logging.ERROR and (neighbour := TROUBLE.get(record.name)):
            self._heard.append(("trouble", neighbour))

    def listen(self) -> None:
        """Hear of events as they are recorded, and of lines of the log. One that is rolled back was counted, too."""
        for model in (AccountEvent, SecurityEvent):
            post_save.connect(self.event, sender=model, dispatch_uid=f"metrics.{model.__name__}")
        many_recorded.connect(self.events, dispatch_uid="metrics.many")
        logging.getLogger().addHandler(_Lines(self))


def _known() -> Iterator[Heard]:
    yield from (("events", "account", kind) for kind in (*AccountEventKind.values, OTHER))
    yield from (("events", "security", kind) for kind in (*WORDS, OTHER))
    yield from (("trouble", neighbour) for neighbour in set(TROUBLE.values()))
    yield from (("lines", level) for level in ("error", "warning"))


def _observe(timer: Histogram, lengths: list[float]) -> None:
    """All of them at once. The library takes one after the other, each for as long as ten of ours take."""
    for place, number in TallyOf(bisect_left(BUCKETS, one) for one in lengths).items():
        timer._buckets[place].inc(number)
    timer._sum.inc(sum(lengths))


class _Lines(logging.Handler):
    def __init__(self, counts: Counts) -> None:
        super().__init__(logging.WARNING)
        self._counts = counts

    def emit(self, record: logging.LogRecord) -> None:
        self._counts.line(record)


def codes() -> frozenset[str]:
    """Every error code that an answer may have."""
    of_grants = {code for grant in GRANTS.values() for code in grant.codes.values()}
    return frozenset({one.code for one in _refusals(Refusal)} | of_grants)


def _refusals(one: type[Refusal]) -> Iterator[type[Refusal]]:
    yield one
    for further in one.__subclasses__():
        yield from _refusals(further)
