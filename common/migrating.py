"""What migrations do to tables while servers use them (docs/operations.md, "Upgrading")."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState


class AddIndexWhileUsed(AddIndexConcurrently):
    """An index of a table that grows: PostgreSQL makes it without keeping anybody from writing.

    Its migration says `atomic = False`. What a run left that was interrupted goes first: it is of no use to anybody.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        concurrently = schema_editor.connection.vendor == "postgresql"
        go_back = AddIndexConcurrently.database_backwards if concurrently else AddIndex.database_backwards
        go_back(self, app_label, schema_editor, from_state, to_state)
