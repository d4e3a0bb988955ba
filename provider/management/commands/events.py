"""`manage.py events`: what happened, for a SIEM or a person: each event a line, and with `--follow` as it happens."""

from __future__ import annotations

import difflib
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.apps import apps
from django.core.management.base import CommandParser
from django.db import close_old_connections

from accounts.event_kinds import AccountEventKind
from accounts.models import AccountEvent
from clients.models import SecurityEvent
from clients.named import client_named, person_named, project_named
from common import clock
from common.command import DatabaseCommand, Refused, as_name, wrong_use
from common.command_arguments import A_TIME, past
from common.command_output import encoded, printable, told
from common.database_errors import DATABASE_TROUBLE, advice
from common.service import stopping_on_signals
from projects.events import CLIENT_DELETED
from provider import event_feed
from provider.admin.event_words import PAST, WORDS
from provider.event_feed import Event, Place, Wanted

A_DAY = timedelta(days=1)
LOOKS_EVERY = 2.0  # seconds
WAITS_FOR_WRITERS = 10.0  # seconds, without --follow
LONGEST = 120  # characters of one detail, for people


class Command(DatabaseCommand):
    help = "Print events, one a line. Each has an id; --after ID goes on behind it, and nothing is missed or repeated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--follow", action="store_true", help="go on with what happens, until SIGTERM")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--after", metavar="ID", help="go on behind the event with this id")
        where.add_argument(
            "--since", metavar="TIME", help=f"{A_TIME} (default: the last day; with --follow what happens from now on)"
        )
        parser.add_argument(
            "--kind",
            action="append",
            default=[],
            help="only this kind; client. stands for all that begin so",
        )
        parser.add_argument("--client", metavar="ID", help="only those about this client, also when it is gone")
        parser.add_argument("--user", metavar="NAME", help="only those of or about this person")
        parser.add_argument("--project", metavar="KEY", help="only those of this project and its clients")
        super().add_arguments(parser)

    def handle(self, *, follow: bool, after: str | None, since: str | None, **options: object) -> None:
        moment = past(since, "--since") if since is not None else None
        if moment is None and after is None and not follow:
            moment = clock.now() - A_DAY
        wanted = _wanted(moment, options)
        if after is not None:
            self.read = _place(after)
        else:
            self.read = event_feed.place_before(moment) if moment else event_feed.end()
        stop = threading.Event()
        with stopping_on_signals(stop):
            if follow:
                self._follow(wanted, stop)
            else:
                self._once(wanted, stop)

    def _once(self, wanted: Wanted, stop: threading.Event) -> None:
        until = event_feed.settled(_stopped_or_late(stop))
        if until is not None:
            self._print(until, wanted, stop)
        elif not stop.is_set():
            raise Refused("Somebody has been writing for a while. Nothing was printed: run it again.")

    def _follow(self, wanted: Wanted, stop: threading.Event) -> None:
        """What goes wrong is said, and tried again: a feed does not end because a database restarts."""
        while not stop.is_set():
            try:
                close_old_connections()
                until = event_feed.settled(stop.is_set)
                if until is not None:
                    self._print(until, wanted, stop)
            except DATABASE_TROUBLE as error:
                self.stderr.write(f"{advice(error)} Trying again.")
            stop.wait(LOOKS_EVERY)

    def _print(self, until: Place, wanted: Wanted, stop: threading.Event) -> None:
        for place, event in event_feed.between(self.read, until, wanted):
            if stop.is_set():
                return
            self.stdout.write(encoded(_as_dict(place, event)) if self.as_json else printable(_line(event)))
            self.read = place
        self.read = event_feed.later(self.read, until)
        self.stdout.flush()


def _stopped_or_late(stop: threading.Event) -> Callable[[], bool]:
    late = time.monotonic() + WAITS_FOR_WRITERS
    return lambda: stop.is_set() or time.monotonic() > late


def _place(text: str) -> Place:
    place = Place.of(text)
    if place is None:
        raise wrong_use("--after takes the id of an event, such as 1204.88: every line of --format json has one.")
    return place


def _wanted(since: datetime | None, options: dict[str, object]) -> Wanted:
    client, user, project, kinds = (options[one] for one in ("client", "user", "project", "kind"))
    found = project_named(str(project)) if project is not None else None
    return Wanted(
        since,
        tuple(_kind(as_name(str(one))) for one in kinds) if isinstance(kinds, list) else (),
        _client(as_name(str(client))) if client is not None else "",
        _sub(as_name(str(user))) if user is not None else "",
        found.key if found else "",
        tuple(found.clients.values_list("client_id", flat=True)) if found else (),
    )


def _kind(kind: str) -> str:
    """One that nobody ever wrote would be silent, whatever happened."""
    of_tables = {f"{one._meta.model_name}.{done}" for one in apps.get_models() for done in PAST}
    known = {*WORDS, *AccountEventKind.values, *of_tables}
    if kind in known or (kind.endswith(".") and any(one.startswith(kind) for one in known)):
        return kind
    if SecurityEvent.objects.filter(kind=kind).exists():  # of a version before
        return kind
    near = difflib.get_close_matches(kind, [*known, *(f"{one.partition('.')[0]}." for one in known)], n=1)
    raise wrong_use(f"There is no event of the kind {kind!r}.{f' Did you mean {near[0]!r}?' if near else ''}")


def _client(client_id: str) -> str:
    """Also of one that is gone: what it did is on record."""
    if not SecurityEvent.objects.filter(kind=CLIENT_DELETED, client_id=client_id).exists():
        client_named(client_id)
    return client_id


def _sub(name: str) -> str:
    """Also of an account that is gone, by its sub."""
    return name if AccountEvent.objects.filter(sub=name).exists() else str(person_named(name).sub)


def _as_dict(place: Place, event: Event) -> dict[str, object]:
    return {
        "id": str(place),
        "at": event.at,
        "log": event.log,
        "kind": event.kind,
        "client_id": event.client_id or None,
        "target_client_id": event.target_client_id or None,
        "sub": event.sub or None,
        "address": event.address or None,
        "detail": event.detail,
    }


def _line(event: Event) -> str:
    named = [one for one in (event.client_id, event.target_client_id, event.sub, event.address) if one]
    detail = " ".join(f"{name}={_short(value)}" for name, value in event.detail.items())
    return " ".join([told(event.at), event.kind, *named, detail]).rstrip()


def _short(value: object) -> str:
    text = value if isinstance(value, str) else encoded({"": value})[5:-1]
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
