"""Prepared statements on PostgreSQL through libpq: values are sent as text, and one text comes back.

A cursor of psycopg converts values of every type and watches a socket in Python, which costs more than the statement
itself. Here a statement is one call, on Django's connection and inside its transaction if there is one.

Nothing can be prepared behind a pooler that gives every transaction another session. DISABLE_SERVER_SIDE_CURSORS tells
Django of such a pooler, and us too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from hashlib import sha256
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from common.connection import connection

Connection = psycopg.Connection[object]
_SUCCESS = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
# The statements prepared on each connection, by their text. They end with the connection, as in the database.
_statement_names: WeakKeyDictionary[Connection, dict[str, bytes]] = WeakKeyDictionary()


def send(statement: str, values: Sequence[object]) -> str | None:
    """The value of the one row that this statement returns, or None. `%s` stands for a value.

    Raises Django's database errors, caused by psycopg's.
    """
    django = connection()
    if django.connection is None:
        django.ensure_connection()
    execute: Callable[..., PGresult] = _execute
    for wrapper in reversed(django.execute_wrappers):  # who watches Django's statements sees these too
        execute = partial(wrapper, execute)
    with django.wrap_database_errors:
        result = execute(statement, values, False, {"connection": django, "cursor": None})
    found = result.get_value(0, 0) if result.ntuples else None
    return found.decode() if found is not None else None


def close_if_dropped() -> None:
    """Close a connection that the server dropped while it was idle. Django then opens another one.

    A write may have been done when its connection breaks, so it is never sent again. A dropped connection must
    therefore be noticed before the write. Costs a system call.
    """
    django = connection()
    if django.vendor != "postgresql" or django.connection is None or django.in_atomic_block:
        return
    if _dropped_by_server(django.connection.pgconn):
        django.close()


def _dropped_by_server(pgconn: PGconn) -> bool:
    """Read whatever the server sent unasked: when it shuts down it sends a last message, and then the end.

    Reading does not wait. Asking first whether there is anything to read would let another thread take its turn.
    """
    try:
        pgconn.consume_input()  # the message
        pgconn.consume_input()  # the end
    except psycopg.OperationalError:
        return True
    return bool(pgconn.status == ConnStatus.BAD)


def _execute(
    statement: str, values: Sequence[object], _many: bool, context: dict[str, BaseDatabaseWrapper]
) -> PGresult:
    postgres: Connection = context["connection"].connection
    if not postgres.autocommit and postgres.pgconn.transaction_status == TransactionStatus.IDLE:
        postgres.execute("SELECT")  # psycopg begins a transaction with its first statement
    texts = _texts(values)
    if context["connection"].settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        return _checked(postgres, postgres.pgconn.exec_params(_with_numbered_parameters(statement).encode(), texts))
    try:
        return _run(postgres, statement, texts)
    except psycopg.errors.InvalidSqlStatementName:  # the session forgot it: DISCARD ALL, DEALLOCATE ALL
        _statement_names.pop(postgres, None)
        if postgres.pgconn.transaction_status != TransactionStatus.IDLE:
            raise
    return _run(postgres, statement, texts)


def _run(postgres: Connection, statement: str, texts: Sequence[bytes | None]) -> PGresult:
    return _checked(postgres, postgres.pgconn.exec_prepared(_prepared(postgres, statement), texts))  # type: ignore[arg-type]  # None is allowed


def _prepared(postgres: Connection, statement: str) -> bytes:
    known = _statement_names.setdefault(postgres, {})
    name = known.get(statement)
    if name is None:
        name = _statement_name(statement)
        _checked(postgres, postgres.pgconn.prepare(name, _with_numbered_parameters(statement).encode()))
        known[statement] = name
    return name


@lru_cache(maxsize=128)
def _statement_name(statement: str) -> bytes:
    """The same in every process.

    Where a pooler mixes sessions up, a name may be unknown or taken, but it never means another statement.
    """
    return f"hot_{sha256(statement.encode()).hexdigest()[:32]}".encode()


@lru_cache(maxsize=128)
def _with_numbered_parameters(statement: str) -> str:
    """With $1, $2, … as libpq expects them."""
    first, *rest = statement.split("%s")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, start=1))


def _texts(values: Sequence[object]) -> list[bytes | None]:
    """Values of any type as PostgreSQL reads them. A text with NUL is refused: PostgreSQL would cut it off there."""
    texts = [
        value.encode() if value.__class__ is str else None if value is None else str(value).encode() for value in values
    ]
    if b"\0" in b"".join(filter(None, texts)):
        raise psycopg.DataError("PostgreSQL keeps no NUL in a text.")
    return texts


def _checked(postgres: Connection, result: PGresult) -> PGresult:
    if result.status in _SUCCESS:
        return result
    if postgres.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)
