"""Counts tokens that were given, by day, client and grant. No answer waits for it: a server writes once in a while.

In a process without a writer (a development server, a test) they wait until somebody looks at them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime

from django.db import DatabaseError, InterfaceError, transaction

from clients.models import Client, ProjectTally, Tally
from common.connection import connection
from common.database_errors import is_outage, one_line
from provider.protocol.facts import ClientFacts

logger = logging.getLogger(__name__)
EVERY = 10.0  # seconds between two statements of a process
MOST_WAITING = 20_000  # rows, while the database is away
AT_ONCE = 200  # rows of one statement
HOME = ("client_id", "project")
IMPLICIT = "implicit"  # tokens that the browser brought

Key = tuple[date, str, str]  # day, client_id, grant type


class Waiting:
    """What is not written yet. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()

    def add(self, key: Key, number: int = 1) -> None:
        with self._lock:
            if key in self._counts or len(self._counts) < MOST_WAITING:
                self._counts[key] += number

    def take(self) -> list[tuple[Key, int]]:
        """In an order, so that two processes that write the same rows do not wait for each other."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return sorted(counts.items())


_waiting = Waiting()
_writer: threading.Thread | None = None


def count(client: ClientFacts, grant_type: str) -> None:
    """One more answer with tokens. Never fails and never waits."""
    add(datetime.now(UTC).date(), "" if client.guest else client.client_id, grant_type)


def add(day: date, client_id: str, grant_type: str, number: int = 1) -> None:
    _waiting.add((day, client_id, grant_type), number)


def start_writer() -> None:
    """For a process that serves, after it was forked: threads do not survive that."""
    global _writer
    _writer = threading.Thread(target=_run, name="tallies", daemon=True)
    _writer.start()


def settle() -> None:
    """Before somebody looks: what this process knows, where nobody else writes it."""
    if _writer is None:
        write()


def _run() -> None:
    while True:
        time.sleep(EVERY)
        try:
            write()
            connection().close()
        except Exception:  # a mistake of ours must not end the thread: nobody would see that numbers are missing
            logger.exception("Tallies could not be kept.")


def write() -> None:
    """Everything that waits. What cannot be written while the database is away waits longer."""
    rows = _waiting.take()
    try:
        while rows:
            _upsert(rows[:AT_ONCE])
            del rows[:AT_ONCE]
    except (DatabaseError, InterfaceError) as error:
        if is_outage(error):
            for key, number in rows:
                _waiting.add(key, number)
        else:
            logger.error("Tallies could not be kept: %s", one_line(error))


def _upsert(rows: Sequence[tuple[Key, int]]) -> None:
    """Of clients and of their projects, both or neither. Every process writes them in this order."""
    homes = dict(Client.objects.filter(client_id__in={one[1] for one, _number in rows}).values_list(*HOME))
    together: Counter[tuple[date, int, str]] = Counter()
    for (day, client_id, grant_type), number in rows:
        together[day, homes.get(client_id) or 0, grant_type] += number
    with transaction.atomic():
        _add(Tally, "client_id", rows)
        _add(ProjectTally, "project", sorted(together.items(), key=lambda one: (one[0][1], one[0])))


def _add(
    model: type[Tally | ProjectTally], whose: str, rows: Sequence[tuple[tuple[date, str | int, str], int]]
) -> None:
    table, values = model._meta.db_table, ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    statement = (
        f"INSERT INTO {table} (day, {whose}, grant_type, count) VALUES {values} "  # noqa: S608 - names of ours
        f"ON CONFLICT (day, {whose}, grant_type) DO UPDATE SET count = {table}.count + excluded.count"
    )
    fields: list[date | str | int] = []
    for (day, owner, grant_type), number in rows:
        fields += [day, owner, grant_type, number]
    with connection().cursor() as cursor:
        cursor.execute(statement, fields)
