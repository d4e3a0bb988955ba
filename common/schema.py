"""What the database is like: whether it has the tables of this version, and whether it takes writes."""

from __future__ import annotations

import os
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor


def missing_migrations(connection: BaseDatabaseWrapper) -> list[str]:
    """The migrations of this code that the database does not have. Those of newer code do not matter."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def only_reads(connection: BaseDatabaseWrapper) -> bool:
    """Whether every write would be refused: a standby, or a database that an operator set to read only."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only" if connection.vendor == "postgresql" else "PRAGMA query_only")
        answer = cursor.fetchone()[0]
    file = Path(connection.settings_dict["NAME"])
    is_locked_file = connection.vendor == "sqlite" and file.exists() and not os.access(file, os.W_OK)
    return answer in ("on", 1) or is_locked_file
