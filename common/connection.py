"""Where statements go."""

from __future__ import annotations

import threading

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


class _Pinned(threading.local):
    connection: BaseDatabaseWrapper | None = None


_pinned = _Pinned()


def connection() -> BaseDatabaseWrapper:
    """Django's connection of this thread, without its slow proxy. Not to be kept: there may be another one."""
    return _pinned.connection or connections[DEFAULT_DB_ALIAS]


def pin_connection() -> BaseDatabaseWrapper:
    """Keep to this one until `unpin_connection`.

    Django looks for an event loop each time, where there might be another one. The thread of a request has none.
    """
    _pinned.connection = connections[DEFAULT_DB_ALIAS]
    return _pinned.connection


def unpin_connection() -> None:
    _pinned.connection = None
