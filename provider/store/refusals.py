"""The rows of refused requests: the same refusal of one hour is one row, and whoever sends nonsense fills no table.

A server keeps them for a second and writes them in a thread of its own (`Writer`): no answer waits for them, and a
thousand refusals of the same kind are one statement. What cannot be written is tried again, and given up when there is
too much of it. Elsewhere (a development server, a test) the row is written at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import astuple, dataclass, replace
from datetime import datetime

from django.db import DatabaseError, InterfaceError

from clients.models import RefusedRequest
from common.connection import connection
from common.database_errors import is_outage, one_line

logger = logging.getLogger(__name__)
EVERY = 1.0  # seconds between two statements of a process
# Rows that one process makes in an hour. Beyond them the network is left out, and then the client, too.
OF_ONE_CLIENT = 200  # and of nobody we know
WITH_NETWORK = 1_000  # the rest is for clients of others: whoever has many networks takes none of it
OF_ALL = 2_000
MAX_WAITING = 2 * OF_ALL  # rows, while the database is away
AT_ONCE = 100  # rows of one statement
MAX_REQUEST_IDS = 1_000  # characters: thirty references, as long as proxies make them


@dataclass(frozen=True, slots=True)
class Same:
    """What makes two refusals the same."""

    hour: datetime
    client_id: str
    endpoint: str
    grant_type: str
    error: str
    step: str
    network: str


@dataclass(slots=True)
class Refused:
    """A row, or what is to be added to it."""

    same: Same
    project_id: int | None
    description: str
    at: datetime
    request_ids: str
    count: int = 1

    def add(self, later: Refused) -> None:
        self.count += later.count
        self.description, self.at = later.description, max(self.at, later.at)
        self.request_ids = f"{later.request_ids} {self.request_ids}"[:MAX_REQUEST_IDS]


class Crowd:
    """Bounds how many rows an hour makes."""

    def __init__(self) -> None:
        self._hour: datetime | None = None
        self._seen: set[Same] = set()
        self._of: Counter[str] = Counter()

    def admitted(self, same: Same) -> Same:
        """It, or what is left of it when there are too many already."""
        if same.hour != self._hour:
            self._hour, self._seen, self._of = same.hour, set(), Counter()
        if same in self._seen:
            return same
        if self._of[same.client_id] >= OF_ONE_CLIENT or len(self._seen) >= WITH_NETWORK:
            same = replace(same, network="")
        if same not in self._seen and len(self._seen) >= OF_ALL:
            return replace(same, client_id="", network="", step="")
        if same not in self._seen:
            self._seen.add(same)
            self._of[same.client_id] += 1
        return same


class Waiting:
    """What is not written yet, by what makes it the same. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._crowd = Crowd()
        self._rows: dict[Same, Refused] = {}

    def put(self, one: Refused) -> None:
        with self._lock:
            one.same = self._crowd.admitted(one.same)
            self._add(one)

    def put_back(self, rows: Collection[Refused]) -> None:
        with self._lock:
            for one in rows:
                self._add(one)

    def _add(self, one: Refused) -> None:
        if (kept := self._rows.get(one.same)) is not None:
            kept.add(one)
        elif len(self._rows) < MAX_WAITING:
            self._rows[one.same] = one

    def take(self) -> list[Refused]:
        """In an order, so that two processes that write the same rows do not wait for each other."""
        with self._lock:
            rows, self._rows = self._rows, {}
        return sorted(rows.values(), key=lambda one: astuple(one.same))


class Writer:
    """Writes what waits, once in a while. Its connection is closed in between: most of the time there is nothing."""

    def __init__(self) -> None:
        self._called = threading.Event()
        threading.Thread(target=self._run, name="refusals", daemon=True).start()

    def call(self) -> None:
        self._called.set()

    def _run(self) -> None:
        while True:
            self._called.wait()
            self._called.clear()
            try:
                if not write():
                    self._called.set()  # the database is away
                connection().close()
            except Exception:  # a mistake of ours must not end the thread: nobody would see that rows are missing
                logger.exception("Refused requests could not be kept.")
            time.sleep(EVERY)


_waiting = Waiting()
_writer: Writer | None = None


def start_writer() -> None:
    """For a process that serves, after it was forked: threads do not survive that."""
    global _writer
    _writer = Writer()


def keep(one: Refused) -> None:
    """Never fails, and where a writer runs it never waits."""
    _waiting.put(one)
    if _writer is not None:
        _writer.call()
    else:
        write()


def write() -> bool:
    """Everything that waits, in as few statements as it takes. False: the database is away, and it waits longer."""
    rows = _waiting.take()
    try:
        while rows:
            _upsert(rows[:AT_ONCE])
            del rows[:AT_ONCE]
    except (DatabaseError, InterfaceError) as error:
        if is_outage(error):
            if not connection().in_atomic_block:
                connection().close()  # after a failover this server may only read: the next one is looked for anew
            _waiting.put_back(rows)
            return False
        logger.error("Refused requests could not be kept: %s", one_line(error))
    return True


# --- The statement -------------------------------------------------------------------------------------------------

_TABLE = RefusedRequest._meta.db_table
_SAME = tuple(Same.__slots__)
_REST = ("description", "count", "first_at", "last_at", "request_ids", "project")
_VALUES = ", ".join(["%s"] * (len(_SAME) + len(_REST) - 1))
_ROW = f"({_VALUES}, COALESCE((SELECT key FROM projects_project WHERE id = %s), ''))"  # noqa: S608 - names of ours
_ADDED = ", ".join(
    (
        f"count = {_TABLE}.count + excluded.count",
        "description = excluded.description",
        "last_at = excluded.last_at",
        f"request_ids = substr(excluded.request_ids || ' ' || {_TABLE}.request_ids, 1, {MAX_REQUEST_IDS})",
    )
)


def _upsert(rows: Collection[Refused]) -> None:
    """Rows that are new, and more of those that are there."""
    statement = (
        f"INSERT INTO {_TABLE} ({', '.join((*_SAME, *_REST))}) VALUES {', '.join([_ROW] * len(rows))} "  # noqa: S608
        f"ON CONFLICT ({', '.join(_SAME)}) DO UPDATE SET {_ADDED}"
    )
    with connection().cursor() as cursor:
        cursor.execute(statement, [value for one in rows for value in _values(one)])


def _values(one: Refused) -> list[str | int | datetime | None]:
    moment = connection().ops.adapt_datetimefield_value
    same = [moment(one.same.hour), *astuple(one.same)[1:]]
    return [*same, one.description, one.count, moment(one.at), moment(one.at), one.request_ids, one.project_id]
