"""`manage.py unlock`: let a client, a person or a network try again before the time of their lock-out is over."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts import guesses
from accounts.backend import candidates
from accounts.models import AccountEvent, AccountEventKind, User
from clients import endings
from clients.models import Client, Endings, SecurityEvent
from common import counters
from common.command import DatabaseCommand, Refused, as_name, whoever_runs_this, wrong_use
from common.memory import Memory
from projects.actors import Actor
from provider import device_guesses, throttle
from provider.store.events import DEVICE_LOCKED_OUT, LOCKED_OUT

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock-out on record, and how to lift it."""

    what: str
    who: str
    network: str
    lift: Callable[[], object]


class Command(DatabaseCommand):
    writes = True
    help = (
        "Lift lock-outs after too many wrong passwords, codes or client secrets, and let a directory go on that was "
        "stopped. Running it again is safe."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--client", help="the client_id of the client")
        whom.add_argument("--user", help="the user name or e-mail address of the person")
        whom.add_argument("--network", help="an address or a network (CIDR)")
        whom.add_argument("--directory", help="the client_id of a directory that was stopped: it ended too many people")
        super().add_arguments(parser)

    def handle(self, *args: object, **options: object) -> None:
        if not options["directory"] and isinstance(counters.shared(), Memory):
            raise Refused("Without CACHE_URL each server counts in its own memory: wait five minutes, or restart it.")
        locks = list(_locks(options, Actor.operator("unlock", whoever_runs_this())))
        if not options["dry_run"]:
            for lock in locks:
                lock.lift()
        verb = "would be lifted" if options["dry_run"] else "lifted"
        rows = [{"what": lock.what, "who": lock.who, "network": lock.network} for lock in locks]
        lines = [f"{lock.what} {lock.who or '-'} from {lock.network}: {verb}" for lock in locks]
        self.answer({"lifted": rows, "dry_run": options["dry_run"]}, lines or ["Nothing is locked."])


def _locks(options: dict[str, object], by: Actor) -> Iterator[Lock]:
    if name := as_name(str(options["directory"] or "")):
        yield from _of_directory(name, by)
    elif name := as_name(str(options["client"] or "")):
        if not Client.objects.filter(client_id=name).exists():
            raise wrong_use(f"There is no client {name}.")
        yield from _of_clients(client_id=name)
    elif name := as_name(str(options["user"] or "")):
        people = [one for one in candidates(name, name) if isinstance(one, User)]
        if not people:
            raise wrong_use(f"There is no account {name}.")
        for person in people:
            yield from _of_people(sub=person.sub)
            yield from _of_device_codes(sub=person.sub)
    else:
        try:
            network = ipaddress.ip_network(str(options["network"]), strict=False)
        except ValueError:
            raise wrong_use("--network takes an address or a network, such as 198.51.100.0/24.") from None
        found = [*_of_clients(), *_of_people(), *_of_device_codes()]
        yield from (lock for lock in found if _is_within(lock.network, network))


def _of_directory(client_id: str, by: Actor) -> Iterator[Lock]:
    client = Client.objects.filter(client_id=client_id).first()
    if client is None:
        raise wrong_use(f"There is no client {client_id}.")
    if Endings.objects.filter(client=client, held_at__isnull=False).exists():
        yield Lock("directory", client_id, "anywhere", partial(endings.let_go_on, client, by))


def _of_clients(**which: str) -> Iterator[Lock]:
    rows = SecurityEvent.objects.filter(kind=LOCKED_OUT, at__gte=_begin(), **which)
    for client_id, network in dict.fromkeys((row.client_id, row.detail["network"]) for row in rows):
        yield Lock("client", client_id, network, partial(throttle.lift, client_id, network))


def _of_people(**which: str) -> Iterator[Lock]:
    for row in AccountEvent.objects.filter(kind=AccountEventKind.LOCKED_OUT, at__gte=_begin(), **which):
        limit, network, device = (row.detail[name] for name in ("limit", "network", "device"))
        yield Lock(limit, row.sub, network, partial(guesses.lift, limit, row.sub, device, network))


def _of_device_codes(**which: str) -> Iterator[Lock]:
    for row in SecurityEvent.objects.filter(kind=DEVICE_LOCKED_OUT, at__gte=_begin(), **which):
        limit, network = row.detail["limit"], row.detail["network"]
        yield Lock(limit, row.sub, network, partial(device_guesses.lift, limit, row.sub, network))


def _begin() -> datetime:
    return timezone.now() - timedelta(seconds=max(guesses.WINDOW, throttle.WINDOW, device_guesses.WINDOW))


def _is_within(text: str, network: Network) -> bool:
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        return False
    return found.version == network.version and found.overlaps(network)
