"""How long one run of `deliverevents` waits for an app, for a project and for an address before it goes on without."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Hashable
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from django.db.models import Q

from clients.models.logout import Whom

SECONDS = 10.0  # of one run, spent on failures of one client, of one project, at one address
PLACES = 8  # messages that are sent at the same moment
PLACES_PER_PROJECT = PLACES // 2  # projects make as many clients as they like


class Lookups(NamedTuple):
    """The ways from a message to what its `Whom` says."""

    client: str
    project: str
    uri: str


class Waiting(Protocol):
    """A row of an outbox."""

    def whom(self) -> Whom | None: ...

    def __hash__(self) -> int: ...


NOTICES = Lookups("client", "client__project", "client__backchannel_logout_uri")


class Patience:
    """What a run knows of those it waited for: nobody who is dead delays anybody else."""

    def __init__(self) -> None:
        self._spent: dict[tuple[str, Hashable], float] = {}
        self._busy: Counter[tuple[str, Hashable]] = Counter()
        self._began: dict[Waiting, float] = {}

    def begin(self, notice: Waiting) -> None:
        self._began[notice] = time.monotonic()
        self._busy.update(_whom(notice))

    def end(self, notice: Waiting, *, failed: bool) -> None:
        """A client that failed waits for the next run, whatever it cost. Its project and address pay the time only."""
        took = time.monotonic() - self._began.pop(notice)
        self._busy.subtract(_whom(notice))
        for kind, whom in _whom(notice):
            lost = (SECONDS if failed else took) if kind == "client" else (took if failed else 0.0)
            self._spent[kind, whom] = self._spent.get((kind, whom), 0.0) + lost

    def out_of_turn(self, lookups: Lookups = NOTICES) -> Q:
        """Whose notices are left for later: the next run, or the end of what is being sent to them."""
        clients = self._tired("client") | self._busy_with("client", 1)
        projects = self._tired("project") | self._busy_with("project", PLACES_PER_PROJECT)
        skipped = Q(**{f"{lookups.client}__in": clients}) | Q(**{f"{lookups.project}__in": projects})
        for address in self._tired("address"):
            skipped |= Q(**{lookups.uri: address}) | Q(**{f"{lookups.uri}__startswith": f"{address}/"})
        return skipped

    def _tired(self, kind: str) -> set[Hashable]:
        return {whom for (found, whom), spent in self._spent.items() if found == kind and spent >= SECONDS}

    def _busy_with(self, kind: str, most: int) -> set[Hashable]:
        return {whom for (found, whom), number in self._busy.items() if found == kind and number >= most}


def _whom(notice: Waiting) -> list[tuple[str, Hashable]]:
    whom = notice.whom()
    if whom is None:
        return []
    return [("client", whom.client), ("project", whom.project), ("address", _address(whom.uri))]


def _address(uri: str) -> str:
    """Scheme, host and port, as registered."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
