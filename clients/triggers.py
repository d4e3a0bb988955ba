"""What tells every process that a fact changed: triggers that give `clients_factsversion` a new number.

They fire for whatever changes a row (the console, `applyconfig`, `.update()`, SQL by hand), in the transaction of the
change, so that the new number is seen when the change is. A number is random and therefore never comes back, neither
after a rollback nor with a restored backup. On PostgreSQL each session has a row of its own: sessions that change
something at once do not wait for each other, and cannot lock each other out.
"""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from common.cache import VERSION_TABLE

ANY_COLUMN: tuple[str, ...] = ()
# Where the facts come from, and the columns that matter: when a secret was last used does not.
SOURCES: dict[str, tuple[str, ...]] = {
    "clients_client": ANY_COLUMN,
    "clients_client_introspects": ANY_COLUMN,
    "clients_client_allowed_callers": ANY_COLUMN,
    "clients_client_acts_for": ANY_COLUMN,
    "clients_audienceentry": ANY_COLUMN,
    "clients_blockedhost": ANY_COLUMN,
    "clients_clientsecret": ("client_id", "slot", "digest", "expires_at", "revoked_at"),
    "clients_signingkey": ANY_COLUMN,
    "projects_project": ANY_COLUMN,
    "projects_api": ANY_COLUMN,
    "projects_api_shared_with": ANY_COLUMN,
    "projects_apiscope": ANY_COLUMN,
    "accounts_attribute": ANY_COLUMN,
}
_CREATE = {
    "postgresql": (
        "CREATE TABLE IF NOT EXISTS clients_factsversion (writer integer PRIMARY KEY, version bigint NOT NULL)",
        """
        CREATE OR REPLACE FUNCTION clients_factsversion_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO clients_factsversion (writer, version)
            VALUES (pg_backend_pid(), (random() * 9007199254740991)::bigint)
            ON CONFLICT (writer) DO UPDATE SET version = excluded.version;
            RETURN NULL;
        END $$
        """,
    ),
    "sqlite": (
        "CREATE TABLE IF NOT EXISTS clients_factsversion (writer integer PRIMARY KEY, version integer NOT NULL)",
        "INSERT OR IGNORE INTO clients_factsversion VALUES (0, 0)",
    ),
}
# An update: what an outer `INSERT OR IGNORE` says about conflicts also holds for the inserts of its triggers.
_SQLITE_CHANGE = "UPDATE clients_factsversion SET version = abs(random() % 9007199254740991)"


def create(connection: BaseDatabaseWrapper) -> None:
    """The table and the trigger of every source there is, each once however often this is called."""
    with connection.cursor() as cursor:
        for statement in _CREATE[connection.vendor]:
            cursor.execute(statement)
        there = set(connection.introspection.table_names(cursor))
        for table, columns in SOURCES.items():
            if table in there:
                for statement in _triggers(connection.vendor, table, columns):
                    cursor.execute(statement)


def drop(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION IF EXISTS clients_factsversion_change() CASCADE")
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE %s", [f"%{VERSION_TABLE}%"]
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")
        cursor.execute("DROP TABLE IF EXISTS clients_factsversion")


def after_migrate(using: str, **kwargs: object) -> None:
    """On SQLite Django changes a table by making another in its place, and the triggers are gone with the first one."""
    connection = connections[using]
    with connection.cursor() as cursor:
        there = VERSION_TABLE in connection.introspection.table_names(cursor)
    if there and connection.vendor == "sqlite":
        create(connection)


def _triggers(vendor: str, table: str, columns: tuple[str, ...]) -> list[str]:
    update = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
    name = f"{table}_facts"
    if vendor == "postgresql":
        run = "FOR EACH STATEMENT EXECUTE FUNCTION clients_factsversion_change()"
        return [f"CREATE OR REPLACE TRIGGER {name} AFTER INSERT OR {update} OR DELETE OR TRUNCATE ON {table} {run}"]
    return [
        f"CREATE TRIGGER IF NOT EXISTS {name}_{event.split()[0].lower()} AFTER {event} ON {table}"
        f" BEGIN {_SQLITE_CHANGE}; END"
        for event in ("INSERT", update, "DELETE")
    ]
