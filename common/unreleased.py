"""Databases from before the first release: no migration leads from them to today's tables."""

from __future__ import annotations

from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

REASON = "A version of Vestibule that was never released made this database"
# The first migration of unreleased versions. Today's first migrations have another name.
_FIRST_UNRELEASED = ("accounts", "0001_initial")


def is_unreleased(connection: BaseDatabaseWrapper) -> bool:
    """Whether an unreleased version made the tables. Takes two statements, and works without any table."""
    return _FIRST_UNRELEASED in MigrationRecorder(connection).applied_migrations()


def start_anew(connection: BaseDatabaseWrapper) -> str:
    """One line for the operator: what is wrong, and what to do."""
    if connection.vendor == "sqlite":
        return f"{REASON}; start anew: delete {_relative_path(connection)} and run the command again."
    return f"{REASON}; start anew: create an empty database, name it in DATABASE_URL and run the command again."


def _relative_path(connection: BaseDatabaseWrapper) -> Path:
    """The database file as one types it in this directory."""
    file = Path(connection.settings_dict["NAME"])
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
