"""What each thread has for itself."""

from __future__ import annotations

import threading

from django.db import DEFAULT_DB_ALIAS, connections


class _Own(threading.local):
    """Django's connection of this thread, which Django itself looks up slowly."""

    def __init__(self) -> None:
        self.connection = connections[DEFAULT_DB_ALIAS]


own = _Own()
