"""Where statements go."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


def here() -> BaseDatabaseWrapper:
    """Django's connection of this thread, without its slow proxy. Not to be kept: there may be another one."""
    return connections[DEFAULT_DB_ALIAS]
