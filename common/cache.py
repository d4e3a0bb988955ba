"""Facts about clients, APIs and signing keys, cached per process until the database says that something changed.

The database keeps a version (by triggers: `clients.triggers`). A process reads it again when it last did so more than
`IDP_FACTS_MAX_AGE` seconds ago. So a change takes effect everywhere within that time, and when the database is away
nothing cached is used for longer. The version is read before the facts, which may be newer than it but never older.
People, authorizations and tokens are not cached: they are read with every request, so ending one takes effect at once.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.conf import settings

from common import clock, prepared
from common.connection import connection

VERSION_TABLE = "clients_factsversion"
MAX_FOUND = 10_000  # of each kind: some twenty megabytes of clients
MAX_MISSING = 1_000
_VERSION = f"SELECT sum(version) FROM {VERSION_TABLE}"  # noqa: S608 - a name of ours
_VERSION_AND_TIME = f"SELECT sum(version), clock_timestamp() FROM {VERSION_TABLE}"  # noqa: S608

Name = TypeVar("Name", bound=Hashable)
Fact = TypeVar("Fact")
Load = Callable[[Collection[Name]], Mapping[Name, Fact]]
# Names that whoever asks for them may have made a moment ago: that there is no such fact is not remembered.
Appears = Callable[[Name], bool]


def _when_announced(_name: object) -> bool:
    """No name appears: a new version says that there are others."""
    return False


class LookupCache(Generic[Name, Fact]):
    """Facts by name. The least recently used are dropped first.

    Names that do not exist are kept apart: asking for nonsense neither fills the cache nor evicts facts.
    """

    def __init__(self, load: Load[Name, Fact]) -> None:
        self._load = load
        self._found: OrderedDict[Name, Fact] = OrderedDict()
        self._missing: OrderedDict[Name, None] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, name: Name, appears: Appears[Name] = _when_announced) -> Fact | None:
        """The fact of one name."""
        with self._lock:
            found = self._found.get(name)
            if found is not None:
                self._found.move_to_end(name)
                return found
        return self.look_up([name], appears).get(name)

    def look_up(self, names: Collection[Name], appears: Appears[Name] = _when_announced) -> dict[Name, Fact]:
        """The facts of those names that exist. All that are not cached are loaded in one call."""
        with self._lock:
            known = {name: self._found[name] for name in names if name in self._found}
            for name in known:
                self._found.move_to_end(name)
            unknown = [name for name in names if name not in known and name not in self._missing]
        if unknown:
            prepared.close_if_dropped()
            loaded = self._load(unknown)
            self._remember(loaded, [name for name in unknown if name not in loaded and not appears(name)])
            known.update(loaded)
        return known

    def _remember(self, loaded: Mapping[Name, Fact], missing: Collection[Name]) -> None:
        with self._lock:
            self._found.update(loaded)
            self._missing.update(dict.fromkeys(missing))
            for entries, limit in ((self._found, MAX_FOUND), (self._missing, MAX_MISSING)):
                while len(entries) > limit:
                    entries.popitem(last=False)


class Snapshot:
    """Everything cached for one version. A thread that still holds an older snapshot adds nothing to a newer one."""

    def __init__(self, version: object, read_at: float) -> None:
        self.version = version
        self.confirm(read_at)
        self._known: dict[object, Any] = {}
        self._computed: dict[object, Any] = {}

    def confirm(self, at: float) -> None:
        """The version was read at this moment and is still this one."""
        self.read_at, self.valid_until = at, at + settings.IDP_FACTS_MAX_AGE

    def facts(self, load: Load[Name, Fact]) -> LookupCache[Name, Fact]:
        known: LookupCache[Name, Fact] = self._known.get(load) or self._known.setdefault(load, LookupCache(load))
        return known

    def once(self, make: Callable[[], Fact]) -> Fact:
        if make not in self._computed:
            self._computed[make] = make()
        made: Fact = self._computed[make]
        return made


_shared = Snapshot(None, float("-inf"))
_shared_lock = threading.Lock()
_thread_local = threading.local()


def look_up(
    load: Load[Name, Fact], names: Collection[Name], appears: Appears[Name] = _when_announced
) -> dict[Name, Fact]:
    """The facts behind these names. `load` fetches those that are not cached."""
    return current().facts(load).look_up(names, appears)


def find(load: Load[Name, Fact], name: Name, appears: Appears[Name] = _when_announced) -> Fact | None:
    """The fact behind one name."""
    return current().facts(load).find(name, appears)


def once(make: Callable[[], Fact]) -> Fact:
    """The result of `make`, computed once per version."""
    return current().once(make)


def current() -> Snapshot:
    """The snapshot of a version that was current at most `IDP_FACTS_MAX_AGE` seconds ago."""
    if connection().in_atomic_block:
        return _transaction_snapshot()
    shared, now = _shared, time.monotonic()
    return shared if now < shared.valid_until else _refresh_shared(_version(), now)


def remembered() -> Snapshot | None:
    """`current()`, to be told to `changed_since`; None in a transaction, which reads the version each time."""
    return None if connection().in_atomic_block else current()


def renew() -> Snapshot:
    """Look at the version now: this request changed a fact that it goes on with, and its transaction is over."""
    if connection().in_atomic_block:  # in one the version is read each time
        return _transaction_snapshot()
    now = time.monotonic()
    return _refresh_shared(_version(), now)


def changed_since(known: Snapshot | None) -> bool:
    """Whether something is another than it was remembered, now: asked before somebody is refused for that."""
    return known is not None and renew().version != known.version


def _refresh_shared(version: object, read_at: float) -> Snapshot:
    """Keep the snapshot if the version is still the same, else start a new one."""
    global _shared
    with _shared_lock:
        if _shared.read_at < read_at:  # else another thread has read the version since
            if _shared.version != version:
                _shared = Snapshot(version, read_at)
            _shared.confirm(read_at)
        return _shared


def _transaction_snapshot() -> Snapshot:
    """A transaction sees its own uncommitted changes, so what it loads is kept apart from what other threads see."""
    version = _version()
    if _shared.version == version:
        return _shared
    seen: Snapshot | None = getattr(_thread_local, "snapshot", None)
    if seen is None or seen.version != version:
        seen = _thread_local.snapshot = Snapshot(version, time.monotonic())
    return seen


def _version() -> object:
    prepared.close_if_dropped()
    with connection().cursor() as cursor:
        if connection().vendor != "postgresql":  # a file of this machine
            cursor.execute(_VERSION)
            return cursor.fetchone()[0]
        asked_at = time.monotonic()
        cursor.execute(_VERSION_AND_TIME)
        version, time_there = cursor.fetchone()
        clock.compare(time_there, timedelta(seconds=time.monotonic() - asked_at))
        return version
