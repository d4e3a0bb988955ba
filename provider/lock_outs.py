"""Who has to wait after too many wrong guesses: what the log says, less what somebody has lifted since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.db.models import QuerySet

from accounts import guesses
from accounts.events import record_change
from accounts.models import AccountEvent, AccountEventKind, User
from clients.models import SecurityEvent
from common import clock
from projects.actors import Actor
from projects.events import record
from provider import device_guesses, throttle
from provider.store.events import DEVICE_LOCKED_OUT, LOCKED_OUT

Row = SecurityEvent | AccountEvent
Logged = TypeVar("Logged", SecurityEvent, AccountEvent)
CLIENT = "client"
MOST = 10_000  # of each sort


@dataclass(frozen=True, slots=True)
class LockOut:
    """One that stands. `what`: CLIENT, or the limit on guesses of people; `who`: a client_id, a sub, or nobody."""

    what: str
    who: str
    network: str
    until: str
    lift: Callable[[Actor], object]


def of_clients(**which: str) -> Iterator[LockOut]:
    """`which`: of one client_id."""
    rows = SecurityEvent.objects.filter(kind=LOCKED_OUT, **which)
    for row in _standing(rows, SecurityEvent.objects.filter(kind="client.unlocked"), throttle.WINDOW):
        yield _told(row, CLIENT, row.client_id, partial(_lift_client, row.client_id, _said(row, "network")))


def of_people(**which: str) -> Iterator[LockOut]:
    """Of passwords and codes. `which`: of one sub."""
    rows = AccountEvent.objects.filter(kind=AccountEventKind.LOCKED_OUT, **which)
    lifted = AccountEvent.objects.filter(kind=AccountEventKind.UNLOCKED)
    for row in _standing(rows, lifted, guesses.WINDOW):
        limit, network, device = (_said(row, name) for name in ("limit", "network", "device"))
        yield _told(row, limit, row.sub, partial(_lift_person, row.sub, limit, network, device))


def of_device_codes(**which: str) -> Iterator[LockOut]:
    """Of codes that devices show. `which`: of one sub."""
    rows = SecurityEvent.objects.filter(kind=DEVICE_LOCKED_OUT, **which)
    for row in _standing(rows, SecurityEvent.objects.filter(kind="device.unlocked"), device_guesses.WINDOW):
        limit = _said(row, "limit")
        yield _told(row, limit, row.sub, partial(_lift_device_codes, limit, row.sub, _said(row, "network")))


def _told(row: Row, what: str, who: str, lift: Callable[[Actor], object]) -> LockOut:
    return LockOut(what, who, _said(row, "network"), _said(row, "until"), lift)


def _standing(rows: QuerySet[Logged], lifted: QuerySet[Logged], window: int) -> list[Logged]:
    """The latest of each that nobody lifted after it began."""
    since = clock.now() - timedelta(seconds=window)
    latest = {_key(row): row for row in reversed(rows.filter(at__gte=since).order_by("-at")[:MOST])}
    if not latest:
        return []
    ended: dict[tuple[str, ...], datetime] = {_key(row): row.at for row in lifted.filter(at__gte=since).order_by("at")}
    return [row for key, row in latest.items() if key not in ended or ended[key] < row.at]


def _key(row: Row) -> tuple[str, ...]:
    client_id = row.client_id if isinstance(row, SecurityEvent) else ""
    return client_id, _said(row, "person") or row.sub, *(_said(row, name) for name in ("limit", "network", "device"))


def _said(row: Row, name: str) -> str:
    return str(row.detail.get(name, ""))


def _lift_client(client_id: str, network: str, by: Actor) -> None:
    throttle.lift(client_id, network)
    record(by, "client.unlocked", client_id, network=network)


def _lift_person(sub: str, limit: str, network: str, device: str, by: Actor) -> None:
    guesses.lift(limit, sub, device, network)
    person = User.objects.filter(sub=sub).first()
    if person or not sub:  # else the account is deleted, and nobody waits
        record_change(person, AccountEventKind.UNLOCKED, by, limit=limit, network=network, device=device)


def _lift_device_codes(limit: str, sub: str, network: str, by: Actor) -> None:
    device_guesses.lift(limit, sub, network)
    record(by, "device.unlocked", limit=limit, network=network, person=sub)
