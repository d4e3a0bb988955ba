"""How the installation stands, from its database: the same on every node, so a query takes the largest of them.

It is looked at in a thread of its own, and only while somebody asks: no scrape waits for a database that is silent.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import Error, close_old_connections, connection
from django.db.models import Min, Model
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from accounts.mails import Mail
from accounts.models import AccountEvent, SignIn, User
from clients.models import (
    AccessToken,
    Authorization,
    Delivery,
    Endings,
    Grant,
    LogoutNotice,
    RefreshToken,
    RefusedRequest,
    SecurityEvent,
    SigningKey,
    Webhook,
)
from clients.models.keys import KeyState
from clients.models.logout import NoticeState
from common import clock
from common.database_errors import advice, lacks_tables
from common.schema import missing_migrations
from common.timers import TimerRun
from idp import VERSION
from idp.status import DAY, MOST, TIMERS, about
from idp.worker.process import seen
from provider.keys.standing import problems

EVERY = 15.0  # seconds between two looks
ASKED_WITHIN = 120.0  # seconds: when nobody asks any more, nobody looks
OLD = 60.0  # seconds after which a look says nothing about now
FIRST = 3.0  # seconds that the first scrape waits
GROWING: dict[str, type[Model]] = {
    "people": User,
    "sign_ins": SignIn,
    "sessions": Session,
    "authorizations": Authorization,
    "codes": Grant,
    "access_tokens": AccessToken,
    "refresh_tokens": RefreshToken,
    "refused_requests": RefusedRequest,
    "account_events": AccountEvent,
    "security_events": SecurityEvent,
    "deliveries": Delivery,
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Number:
    name: str
    said: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def numbers() -> Iterator[Number]:
    """Cheap, however many rows there are: what is many is what the database last estimated."""
    now = clock.now()
    yield from _database()
    yield from _keys(now)
    yield from _outboxes(now)
    yield from _timers()
    for name, model in GROWING.items():
        yield Number("rows", "Rows of tables that grow, as estimated.", about(model), (("table", name),))


def _database() -> Iterator[Number]:
    yield Number("schema_current", "Whether the tables are those of this version.", not missing_migrations(connection))
    try:
        caches["counters"].get("ready")
        answers = True
    except Exception:  # each backend has its own
        answers = False
    yield Number("cache_up", "Whether the cache of counters answers.", answers)


def _keys(now: datetime) -> Iterator[Number]:
    keys = list(SigningKey.objects.filter(state__in=[KeyState.ACTIVE, KeyState.NEXT]).order_by("algorithm", "state"))
    for one in keys:
        if one.state == KeyState.ACTIVE and one.activated_at is not None:
            age = (now - one.activated_at).total_seconds()
            yield Number("signing_key_age_seconds", "For how long a key signs.", age, (("algorithm", one.algorithm),))
    yield Number("signing_key_problems", "Keys that are missing or do not open.", len(problems(keys)))


def _outboxes(now: datetime) -> Iterator[Number]:
    due = {
        "mail": Mail.objects.all(),
        "notices": LogoutNotice.objects.filter(state=NoticeState.DUE),
        "deliveries": Delivery.objects.filter(state=NoticeState.DUE),
    }
    for name, rows in due.items():
        labels = (("outbox", name),)
        yield Number("outbox_due", "What waits to be sent.", rows.order_by()[:MOST].count(), labels)
        oldest: datetime | None = rows.aggregate(oldest=Min("created_at"))["oldest"]
        waits = (now - oldest).total_seconds() if oldest else 0
        yield Number("outbox_oldest_seconds", "For how long the oldest of them waits.", waits, labels)
    lost = SecurityEvent.objects.filter(at__gte=now - DAY, kind="logout_notice.given_up")[:MOST].count()
    yield Number("outbox_given_up_last_day", "What was given up.", lost, (("outbox", "notices"),))
    disabled = Webhook.objects.filter(enabled=False).exclude(disabled_because="").count()
    yield Number("webhooks_disabled", "Webhooks that took nothing for a day.", disabled)
    stopped = Endings.objects.filter(held_at__isnull=False).count()
    yield Number("directories_stopped", "Directories that ended very many people and were stopped.", stopped)


def _timers() -> Iterator[Number]:
    """One that never ran has the moment 0: without a number no alert would miss it."""
    runs = TimerRun.objects.in_bulk(TIMERS)
    for name in sorted(TIMERS):
        labels, row = (("timer", name),), runs.get(name)
        at = row.ended_at.timestamp() if row else 0
        yield Number("timer_last_run_timestamp_seconds", "When it last ran; 0: never.", at, labels)
        yield Number("timer_last_run_failed", "Whether its last run failed.", row is not None and row.failed, labels)
    yield Number("workers", "Workers that are there.", len(seen()))


class Installation(Collector):
    def __init__(self, gather: Callable[[], Iterable[Number]] = numbers) -> None:
        self._gather = gather
        self._found: list[Number] = []
        self._found_at = float("-inf")
        self._asked = threading.Event()
        self._looked = threading.Event()
        self._asked_at = 0.0
        self._trouble = ""
        threading.Thread(target=self._look_again_and_again, name="gauges", daemon=True).start()

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        self._asked_at = time.monotonic()
        self._asked.set()
        self._looked.wait(FIRST)
        fresh = time.monotonic() - self._found_at < OLD
        yield from families([*(self._found if fresh else []), *_always(fresh)])

    def _look_again_and_again(self) -> None:
        while True:
            self._asked.wait()
            self._look()
            self._looked.set()
            if time.monotonic() - self._asked_at > ASKED_WITHIN:
                self._asked.clear()
                connection.close()
            time.sleep(EVERY)

    def _look(self) -> None:
        found: list[Number] = []
        try:
            close_old_connections()
            for one in self._gather():
                found.append(one)
        except Exception as error:  # whatever it is, the next look may go well
            self._failed(error)
            if not isinstance(error, Error) or not lacks_tables(error):
                return
        else:
            self._trouble = ""
        self._found, self._found_at = found, time.monotonic()  # on tables of before, that they are

    def _failed(self, error: Exception) -> None:
        """Said once, until it goes well or something else is wrong."""
        said = advice(error) if isinstance(error, Error) else f"{type(error).__name__}: {error}"
        if said != self._trouble:
            logger.error("The numbers of the database are not told: %s", said, exc_info=not isinstance(error, Error))
        self._trouble = said
        with suppress(Exception):
            connection.close()


def _always(database_answers: bool) -> Iterator[Number]:
    yield Number("database_up", "Whether the database answered within the last minute.", database_answers)
    yield Number("build_info", "Which version this is.", 1, (("version", VERSION),))


def families(found: Iterable[Number]) -> Iterator[Metric]:
    by_name: dict[str, GaugeMetricFamily] = {}
    for one in found:
        family = by_name.get(one.name)
        if family is None:
            names = [name for name, _value in one.labels]
            family = by_name[one.name] = GaugeMetricFamily(f"vestibule_{one.name}", one.said, labels=names)
        family.add_metric([value for _name, value in one.labels], float(one.value))
    yield from by_name.values()
