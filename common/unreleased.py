"""Databases that were made before the first release: no migration leads from there to here."""

from __future__ import annotations

from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

SAID = "A version of Vestibule that was never released made this database"
# The first of the migrations of those days. Their successors have other names, so that this one is never met again.
_FIRST = ("accounts", "0001_initial")


def is_unreleased(connection: BaseDatabaseWrapper) -> bool:
    """Whether such a version made its tables. Asked in two statements, also of a database without any table."""
    return _FIRST in MigrationRecorder(connection).applied_migrations()


def start_anew(connection: BaseDatabaseWrapper) -> str:
    """One line: what is wrong, and what to do."""
    if connection.vendor == "sqlite":
        return f"{SAID}; start anew: delete {_shown(connection)} and run the command again."
    return f"{SAID}; start anew: create an empty database, name it in DATABASE_URL and run the command again."


def _shown(connection: BaseDatabaseWrapper) -> Path:
    """The file as one types it here."""
    file = Path(connection.settings_dict["NAME"])
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
