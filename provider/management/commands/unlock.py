"""`manage.py unlock`: let a client, a person or a network try again before the time of their lock-out is over."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import partial

from django.core.management.base import CommandParser

from accounts.backend import candidates
from accounts.models import User
from clients import endings
from clients.models import Client, Endings
from common import counters
from common.command import DatabaseCommand, Refused, as_name, whoever_runs_this, wrong_use
from common.memory import Memory
from projects.actors import Actor
from provider import lock_outs
from provider.lock_outs import LockOut

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
        if not options["directory"] and not counters.answers():
            raise Refused(
                "The cache at CACHE_URL does not answer, and what it counted is not lifted. Nothing was changed."
            )
        locks = list(_locks(options))
        if not options["dry_run"]:
            by = Actor.operator("unlock", whoever_runs_this())
            for lock in locks:
                lock.lift(by)
        verb = "would be lifted" if options["dry_run"] else "lifted"
        rows = [{"what": lock.what, "who": lock.who, "network": lock.network} for lock in locks]
        lines = [f"{lock.what} {lock.who or '-'} from {lock.network}: {verb}" for lock in locks]
        self.answer({"lifted": rows, "dry_run": options["dry_run"]}, lines or ["Nothing is locked."])


def _locks(options: dict[str, object]) -> Iterator[LockOut]:
    if name := as_name(str(options["directory"] or "")):
        yield from _of_directory(name)
    elif name := as_name(str(options["client"] or "")):
        if not Client.objects.filter(client_id=name).exists():
            raise wrong_use(f"There is no client {name}.")
        yield from lock_outs.of_clients(client_id=name)
    elif name := as_name(str(options["user"] or "")):
        people = [one for one in candidates(name, name) if isinstance(one, User)]
        if not people:
            raise wrong_use(f"There is no account {name}.")
        for person in people:
            yield from lock_outs.of_people(sub=person.sub)
            yield from lock_outs.of_device_codes(sub=person.sub)
    else:
        try:
            network = ipaddress.ip_network(str(options["network"]), strict=False)
        except ValueError:
            raise wrong_use("--network takes an address or a network, such as 198.51.100.0/24.") from None
        found = [*lock_outs.of_clients(), *lock_outs.of_people(), *lock_outs.of_device_codes()]
        yield from (lock for lock in found if _is_within(lock.network, network))


def _of_directory(client_id: str) -> Iterator[LockOut]:
    client = Client.objects.filter(client_id=client_id).first()
    if client is None:
        raise wrong_use(f"There is no client {client_id}.")
    if Endings.objects.filter(client=client, held_at__isnull=False).exists():
        yield LockOut("directory", client_id, "anywhere", "", partial(endings.let_go_on, client))


def _is_within(text: str, network: Network) -> bool:
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        return False
    return found.version == network.version and found.overlaps(network)
