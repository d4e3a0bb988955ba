"""The database connection that statements use."""

from __future__ import annotations

import threading

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


class _Pinned(threading.local):
    connection: BaseDatabaseWrapper | None = None


_pinned = _Pinned()


def connection() -> BaseDatabaseWrapper:
    """Django's connection of this thread, without its slow proxy. Do not store it: it may be replaced."""
    return _pinned.connection or connections[DEFAULT_DB_ALIAS]


def pin_connection() -> BaseDatabaseWrapper:
    """Use this connection until `unpin_connection`.

    Django checks for a running event loop at every access, because it might need another connection there. A thread
    that answers a request has no event loop.
    """
    _pinned.connection = connections[DEFAULT_DB_ALIAS]
    return _pinned.connection


def unpin_connection() -> None:
    _pinned.connection = None
