"""Many clients at once: switched on or off, or deleted. All of them or none, in a few statements.

The rules are those of one (`clients.registration`), asked of each; only what they write is written together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.core.exceptions import BadRequest
from django.db import transaction
from django.utils.translation import gettext as _

from clients import guest_registration, policy, registration, remains, tombstones
from clients.around import Around
from clients.changes import events_of
from clients.deleting import many_at_once
from clients.metadata import ClientMetadata
from clients.models import Client
from clients.policy import metadata_of
from common import clock
from projects.actors import Actor
from projects.events import CLIENT_DELETED, Detail, acting, record_all
from projects.problems import Problem, require

SWITCHED = {"enabled", "held", "tokens_not_before"}
MOST = 2_000  # clients in one request
Told = Mapping[Client, ClientMetadata]
State = tuple[bool, bool, datetime | None]  # enabled, held by a superuser, tokens not before


def switch(clients: Collection[Client], by: Actor, *, on: bool) -> list[Client]:
    """Enable or disable these, which `registration.locked` answered in this transaction; answers those that were not.

    Raises RegistrationError, whose problems name the client they are about.
    """
    with acting(by), transaction.atomic():
        stored = {client: metadata_of(client) for client in clients}
        wanted = {client: replace(one, enabled=on, held=None) for client, one in stored.items()}
        require(_problems(wanted, stored, by))
        moment, switched = clock.end_of_all_before(None, on=on), _Switched()
        for client, one in wanted.items():
            before, after, moved = registration.outcome(client, stored[client], one, by)
            if not {*moved} <= SWITCHED:
                registration.change_locked(client, one, by)
                switched.clients.append(client)
            elif moved:  # of one moment: rows that become the same are written by one statement
                over = max(before.tokens_not_before or moment, moment)
                switched.add(client, before, replace(after, tokens_not_before=over), moved)
        switched.write(by)
    return switched.clients


@dataclass
class _Switched:
    """Those that were, their rows by what they become, and events by their kind."""

    clients: list[Client] = field(default_factory=list)
    rows: dict[State, list[int]] = field(default_factory=lambda: defaultdict(list))
    events: dict[str, dict[str, dict[str, Detail]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, client: Client, before: ClientMetadata, after: ClientMetadata, moved: Sequence[str]) -> None:
        self.clients.append(client)
        self.rows[after.enabled, bool(after.held), after.tokens_not_before].append(client.pk)
        for kind, detail in events_of(before, after, moved):
            self.events[kind][client.client_id] = detail

    def write(self, by: Actor) -> None:
        for (enabled, held, moment), keys in self.rows.items():
            rows = Client.objects.filter(pk__in=keys)
            rows.update(enabled=enabled, disabled_by_superuser=held, tokens_not_before=moment)
        for kind, about in self.events.items():
            record_all(by, kind, about)


def _problems(wanted: Told, stored: Told, by: Actor) -> Iterator[Problem]:
    around = {
        project: Around([one for client, one in wanted.items() if client.home == project], project)
        for project in {client.home for client in wanted}
    }
    for client, one in wanted.items():
        home = client.home
        for problem in policy.problems(one, home, by, client, stored[client], around[home]):
            yield Problem(client.client_id, f"{client.name or client.client_id}: {problem.message}")


def obstacles(clients: Collection[Client]) -> list[str]:
    """Sentences that say why these must not be deleted together now."""
    gone = [one.pk for one in clients]
    left_open = Client.objects.filter(allowed_callers__in=gone).exclude(pk__in=gone)
    left_open = left_open.exclude(allowed_callers__in=Client.objects.exclude(pk__in=gone)).distinct()
    return [
        _(
            "%(client)s lists nobody else as an allowed caller: without these every client of the project could get "
            "ID tokens for %(client)s. Change that list first."
        )
        % {"client": target.client_id}
        for target in left_open.order_by("client_id")[: registration.SHOWN]
    ]


def delete(clients: Collection[Client], by: Actor) -> None:
    """End these and everything of them. Their ids are never used again. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        for client in clients:
            guest_registration.may_change(client, by)
        require(Problem("client_id", sentence) for sentence in obstacles(clients))
        gone = [one.pk for one in clients]
        record_all(by, CLIENT_DELETED, {one.client_id: tombstones.about(one) for one in clients})
        with many_at_once():
            Client.objects.filter(pk__in=gone).delete()
        remains.clear_of_clients(gone)


def keys_of(said: str, most: int | None = None) -> set[int]:
    """Of rows, as a form of the console names them. Raises BadRequest."""
    words = said.split()
    if (
        not words
        or len(words) > (most or MOST)
        or not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in words)
    ):
        raise BadRequest("That names no rows, or too many.")
    return {int(one) for one in words}
