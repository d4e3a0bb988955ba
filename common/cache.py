"""What clients, APIs and signing keys are, remembered per process until the database says that something changed.

The database keeps a version (by triggers: `clients.triggers`); it is read again when the last look at it is older than
`IDP_FACTS_MAX_AGE` seconds, so a change bites everywhere within that time, and without a database nothing is believed
for longer. A version is read before the facts it stands for: these may be newer than it, never older. People,
authorizations and tokens are not kept here: what ends them is read with every request.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any, Generic, TypeVar

from django.conf import settings

from common import prepared
from common.connection import connection

VERSION_TABLE = "clients_factsversion"
MAX_FOUND = 10_000  # of each kind: some twenty megabytes of clients
MAX_MISSING = 1_000
_VERSION = f"SELECT sum(version) FROM {VERSION_TABLE}"  # noqa: S608 - a name of ours

Name = TypeVar("Name", bound=Hashable)
Fact = TypeVar("Fact")
Load = Callable[[Collection[Name]], Mapping[Name, Fact]]


class LookupCache(Generic[Name, Fact]):
    """What was looked up, the longest unused given up first.

    What does not exist is remembered apart: asking for nonsense neither fills the memory nor pushes anything out.
    """

    def __init__(self, load: Load[Name, Fact]) -> None:
        self._load = load
        self._found: OrderedDict[Name, Fact] = OrderedDict()
        self._missing: OrderedDict[Name, None] = OrderedDict()
        self._lock = threading.Lock()

    def look_up(self, names: Collection[Name]) -> dict[Name, Fact]:
        """Those of the names that exist; what is not remembered is loaded together."""
        with self._lock:
            known = {name: self._found[name] for name in names if name in self._found}
            for name in known:
                self._found.move_to_end(name)
            unknown = [name for name in names if name not in known and name not in self._missing]
        if unknown:
            prepared.close_if_dropped()
            loaded = self._load(unknown)
            self._remember(loaded, [name for name in unknown if name not in loaded])
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
    """Everything remembered of one version. A thread that still holds an older one puts nothing into a newer."""

    def __init__(self, version: Any, read_at: float) -> None:
        self.version = version
        self.confirm(read_at)
        self._known: dict[Any, LookupCache[Any, Any]] = {}
        self._computed: dict[Any, Any] = {}

    def confirm(self, at: float) -> None:
        """Its version was read then, and was this one."""
        self.read_at, self.valid_until = at, at + settings.IDP_FACTS_MAX_AGE

    def look_up(self, load: Load[Name, Fact], names: Collection[Name]) -> dict[Name, Fact]:
        known = self._known.get(load) or self._known.setdefault(load, LookupCache(load))
        return known.look_up(names)

    def once(self, make: Callable[[], Fact]) -> Fact:
        if make not in self._computed:
            self._computed[make] = make()
        made: Fact = self._computed[make]
        return made


_shared = Snapshot(None, float("-inf"))
_shared_lock = threading.Lock()
_thread_local = threading.local()


def look_up(load: Load[Name, Fact], names: Collection[Name]) -> dict[Name, Fact]:
    """The facts behind these names, by `load` where they are not remembered."""
    return current().look_up(load, names)


def once(make: Callable[[], Fact]) -> Fact:
    """What `make` makes of facts, made once per version of them."""
    return current().once(make)


def current() -> Snapshot:
    """What is remembered of the version that held `IDP_FACTS_MAX_AGE` seconds ago or later."""
    if connection().in_atomic_block:
        return _transaction_snapshot()
    shared, now = _shared, time.monotonic()
    return shared if now < shared.valid_until else _refresh_shared(_version(), now)


def _refresh_shared(version: Any, read_at: float) -> Snapshot:
    """Go on with what is remembered if the version is still the same, else begin anew."""
    global _shared
    with _shared_lock:
        if _shared.read_at < read_at:  # else another thread looked later than this one
            if _shared.version != version:
                _shared = Snapshot(version, read_at)
            _shared.confirm(read_at)
        return _shared


def _transaction_snapshot() -> Snapshot:
    """A transaction sees its own changes, and nobody else may see them in what it loaded: that is kept for itself."""
    version = _version()
    if _shared.version == version:
        return _shared
    seen: Snapshot | None = getattr(_thread_local, "snapshot", None)
    if seen is None or seen.version != version:
        seen = _thread_local.snapshot = Snapshot(version, time.monotonic())
    return seen


def _version() -> Any:
    prepared.close_if_dropped()
    with connection().cursor() as cursor:
        cursor.execute(_VERSION)
        return cursor.fetchone()[0]
