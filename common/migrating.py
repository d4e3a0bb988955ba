"""What migrations do to tables while servers use them (docs/operations.md, "Upgrading")."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState

LOCK = 0x76657374  # a number that nobody else is likely to lock
PAUSE = 0.5  # seconds


@contextmanager
def one_at_a_time(connection: BaseDatabaseWrapper, wait: Callable[[], None]) -> Iterator[None]:
    """Of all who change the tables of this database, this one alone; `wait` is told once when it is another's turn.

    The lock hangs on a transaction of a connection of its own: so it goes with this process, also behind a pooler. That
    transaction has no snapshot, and whoever waits has none either: `CREATE INDEX CONCURRENTLY` would wait for those.
    """
    if connection.vendor != "postgresql":
        yield
        return
    apart = connection.copy()
    try:
        apart.set_autocommit(False)
        while not _locked(apart):
            wait()
            wait = _nothing
            time.sleep(PAUSE)
        yield
    finally:
        apart.close()


def _nothing() -> None:
    pass


def _locked(apart: BaseDatabaseWrapper) -> bool:
    with apart.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if (row := cursor.fetchone()) and row[0]:
            return True
    apart.rollback()
    return False


class AddIndexWhileUsed(AddIndexConcurrently):
    """An index of a table that grows: PostgreSQL makes it without keeping anybody from writing.

    Its migration says `atomic = False`. What a run left that was interrupted goes first: it is of no use to anybody.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
        elif _parts(schema_editor, table) is not None:
            self._ensure_not_in_transaction(schema_editor)
            self._in_each_part(app_label, schema_editor, to_state)
        else:
            self._ensure_not_in_transaction(schema_editor)
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def _in_each_part(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, to_state: ProjectState) -> None:
        """Of a divided table: it is one index when each part has its own."""
        quote, name = schema_editor.quote_name, self.index.name
        model = to_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        whole = str(self.index.create_sql(model, schema_editor))
        begins = f"CREATE INDEX {quote(name)} ON {quote(table)}"
        schema_editor.execute(f"DROP INDEX IF EXISTS {quote(name)}")
        schema_editor.execute(whole.replace(begins, f"CREATE INDEX {quote(name)} ON ONLY {quote(table)}", 1))
        for number, part in enumerate(_parts(schema_editor, table) or []):
            of_part = f"{name}_{number}"  # Django's names have 30 characters at most, PostgreSQL's 63
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quote(of_part)}")
            schema_editor.execute(
                whole.replace(begins, f"CREATE INDEX CONCURRENTLY {quote(of_part)} ON {quote(part)}", 1)
            )
            schema_editor.execute(f"ALTER INDEX {quote(name)} ATTACH PARTITION {quote(of_part)}")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        whole = schema_editor.connection.vendor == "postgresql" and _parts(schema_editor, table) is None
        go_back = AddIndexConcurrently.database_backwards if whole else AddIndex.database_backwards
        go_back(self, app_label, schema_editor, from_state, to_state)


def _parts(schema_editor: BaseDatabaseSchemaEditor, table: str) -> list[str] | None:
    """Those that the table is divided in (decision 0308); None: it is whole."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT relkind::text FROM pg_class WHERE oid = %s::regclass", [table])
        if cursor.fetchone() != ("p",):
            return None
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return [name for (name,) in cursor.fetchall()]
