"""Access tokens by the day on which they expire: a day that is over goes at once, however many rows it had.

Only on PostgreSQL, and only where an operator asked for it (`manage.py partition`, decision 0308). Their table is then
divided: what was there before, each day that is near, and the rest. New rows never fail for want of a day: they wait in
the rest, and move when their day is made. Digests are random, so each part alone sees to it that its own differ.

Parts are made and dropped by whoever owns the table. A clearing by another role deletes rows as it does without parts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from django.db import Error, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max
from psycopg.errors import LockNotAvailable

from clients.models import AccessToken, Client
from common import clock

TABLE = AccessToken._meta.db_table
BEFORE, REST = f"{TABLE}_before", f"{TABLE}_rest"
DAYS_AHEAD = 2  # each part is looked into for each token: so few that it costs little, so many that a night may fail
DAY = timedelta(days=1)
OVER = timedelta(hours=1)  # after its end a day is over for every node, whatever its clock says
TRIES, WAIT, PAUSE = 20, "300ms", 0.5  # for a lock: statements behind it wait as long
ASIDE = "5s"  # nobody waits behind this one. An autovacuum goes away for who has waited deadlock_timeout, a second


@dataclass(frozen=True, slots=True)
class Kept:
    """What a look after the parts did; `rows` is what the database last estimated of those that went."""

    made: int = 0
    dropped: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How the parts are: the days that are not made, the parts that are not dropped, about how many rows wait."""

    missing: list[date]
    over: list[str]
    waiting: int


_BOUND = "SELECT count(*)::int FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s AND contype = 'c'"
STILL_BOUND = (
    f"{TABLE} still has the check {BEFORE}, which will refuse tokens soon."
    " Run 'partition' or 'cleartokens' again, as the role that owns the tables: both take it away."
)


class InUse(Error):
    """Somebody held on to the table the whole time: a dump, say."""


class LongLived(Error):
    """Tokens live so long that days of theirs would be made and moved, and nothing would be gained."""


def are_there() -> bool:
    of_table = "SELECT (relkind = 'p')::int FROM pg_class WHERE oid = %s::regclass"
    return connection.vendor == "postgresql" and _one(of_table, TABLE) == 1


def may_be_kept() -> bool:
    """Whether this role owns the table: nobody else may change it."""
    return _one("SELECT pg_has_role(relowner, 'USAGE')::int FROM pg_class WHERE oid = %s::regclass", TABLE) == 1


def are_kept() -> bool:
    """Whether a clearing by this role drops days."""
    return are_there() and may_be_kept()


def expired(now: datetime) -> datetime:
    """Where days are kept, before this rows that are over have to be deleted: all others go with their day."""
    with connection.cursor() as cursor:
        starts = [start for _name, start, _end in _parts(cursor) if start is not None]
    return min(now, *starts) if starts else now


def divide() -> date:
    """Divide the table, while it is used. Answers the day before which the rows of now are a part of their own.

    No row is moved: what is there becomes the first part. That none of it expires later is checked beforehand, beside
    those who write; then the table is locked for some milliseconds. The check goes if that fails, whatever stopped it:
    it holds for new rows at once, and would refuse all tokens from some day on.
    """
    end = _first_day()
    if end > clock.now().astimezone(UTC).date() + (DAYS_AHEAD + 2) * DAY:
        raise LongLived(
            f"Some access tokens live until {end - DAY}, and only from then on days would go at once. Shorten the"
            f" lifetime of clients to {DAYS_AHEAD} days at most, wait until what they got before has expired, and run"
            " this again."
        )
    try:
        _briefly(partial(_bound, end=end))
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {BEFORE}")
        _briefly(partial(_swap, end=end))
    except BaseException:
        if not connection.is_usable():
            connection.close()
        if are_bound():
            unbind()
        raise
    keep()
    return end


def are_bound() -> bool:
    """Whether a run that was interrupted left its check on the table."""
    return connection.vendor == "postgresql" and _one(_BOUND, TABLE, BEFORE) == 1


def unbind() -> None:
    try:
        _briefly(_unbound)
    except Error as error:
        raise InUse(STILL_BOUND) from error


def keep() -> Kept:
    """Drop the days that are over, and make those that come."""
    with connection.cursor() as cursor:
        ends = {name: end for name, _start, end in _parts(cursor)}
    over = [name for name, end in ends.items() if end is not None and end <= clock.now() - OVER]
    rows = sum(map(_estimate, over))
    for name in over:
        _briefly(partial(_drop, name=name), name)
    new = [day for day in _days(ends.get(BEFORE)) if _name(day) not in ends]
    for day in new:
        _briefly(partial(_make, day=day), REST)
    return Kept(len(new), len(over), rows)


def standing() -> Standing:
    """Of a divided table. What one night makes and drops is missed only after it, whatever its hour."""
    with connection.cursor() as cursor:
        ends = {name: end for name, _start, end in _parts(cursor)}
    now = clock.now()
    soon = [day for day in _days(ends.get(BEFORE)) if day < now.astimezone(UTC).date() + DAYS_AHEAD * DAY]
    over = [name for name, end in ends.items() if end is not None and end <= now - DAY - OVER]
    return Standing([day for day in soon if _name(day) not in ends], sorted(over), _estimate(REST))


def join() -> None:
    """One table again, without what has expired. Everybody waits until it is done."""
    with connection.cursor() as cursor:
        parts = [name for name, _start, _end in _parts(cursor)]
    _briefly(_join, *parts)


def _days(end_of_before: datetime | None) -> list[date]:
    """Today and those after it; not those that the rows of before are in."""
    today = clock.now().astimezone(UTC).date()
    days = [today + number * DAY for number in range(DAYS_AHEAD + 1)]
    first = end_of_before.astimezone(UTC).date() if end_of_before else today
    return [day for day in days if day >= first] or [first]


def _first_day() -> date:
    """After everything there is, and everything that may be written meanwhile."""
    longest = Client.objects.aggregate(longest=Max("access_token_lifetime"))["longest"] or 0
    last = AccessToken.objects.aggregate(last=Max("expires"))["last"]
    written = clock.now() + timedelta(seconds=longest)
    return max(written, last or written).astimezone(UTC).date() + DAY


def _bound(cursor: CursorWrapper, end: date) -> None:
    """What is written from now on is checked; `VALIDATE` looks at the rest."""
    _unbound(cursor)
    cursor.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT {BEFORE} CHECK (expires < '{_utc(end)}') NOT VALID")


def _unbound(cursor: CursorWrapper) -> None:
    cursor.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {BEFORE}")


def _swap(cursor: CursorWrapper, end: date) -> None:
    cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
    cursor.execute(_BOUND, [TABLE, BEFORE])
    if cursor.fetchone() != (1,):  # without it, all rows would be looked at while everybody waits
        raise InUse(f"A clearing took the check of {TABLE} away. Nothing is lost: try again.")
    columns = _indexed(cursor)
    cursor.execute(f"ALTER TABLE {TABLE} RENAME TO {BEFORE}")
    cursor.execute(f"CREATE TABLE {TABLE} (LIKE {BEFORE} INCLUDING DEFAULTS) PARTITION BY RANGE (expires)")
    _index(cursor, TABLE, columns)
    cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {BEFORE} FOR VALUES FROM (MINVALUE) TO ('{_utc(end)}')")
    cursor.execute(f"CREATE TABLE {REST} PARTITION OF {TABLE} (PRIMARY KEY (digest)) DEFAULT")
    _give(cursor, BEFORE, TABLE)


def _join(cursor: CursorWrapper) -> None:
    whole, columns = f"{TABLE}_whole", _indexed(cursor)
    cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
    cursor.execute(f"CREATE TABLE {whole} (LIKE {TABLE} INCLUDING DEFAULTS)")
    cursor.execute(f"INSERT INTO {whole} SELECT * FROM {TABLE} WHERE expires > %s", [clock.now()])  # noqa: S608
    cursor.execute(f"ALTER TABLE {whole} ADD PRIMARY KEY (digest)")
    _give(cursor, TABLE, whole)
    cursor.execute(f"DROP TABLE {TABLE}")
    cursor.execute(f"ALTER TABLE {whole} RENAME TO {TABLE}")
    _index(cursor, TABLE, columns)


def _drop(cursor: CursorWrapper, name: str) -> None:
    cursor.execute(f"DROP TABLE {name}")


def _indexed(cursor: CursorWrapper) -> list[str]:
    """The columns it has an index of, beside the key."""
    cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexdef LIKE 'CREATE INDEX %%'", [TABLE])
    return [text.rpartition("(")[2].rstrip(")") for (text,) in cursor.fetchall()]


def _index(cursor: CursorWrapper, table: str, columns: list[str]) -> None:
    for column in columns:
        cursor.execute(f"CREATE INDEX ON {table} ({column})")


def _give(cursor: CursorWrapper, before: str, after: str) -> None:
    """Whoever might use the table before may use it now."""
    cursor.execute(
        "SELECT coalesce(quote_ident(g.rolname), 'PUBLIC'), string_agg(a.privilege_type, ', ')"
        " FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee"
        " WHERE c.oid = %s::regclass AND a.grantee <> c.relowner GROUP BY 1",
        [before],
    )
    for role, rights in cursor.fetchall():
        cursor.execute(f"GRANT {rights} ON {after} TO {role}")


def _make(cursor: CursorWrapper, day: date) -> None:
    """The part of a day; rows that expire in it wait in the rest until now."""
    name, first, end = _name(day), _utc(day), _utc(day + DAY)
    cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING DEFAULTS, PRIMARY KEY (digest))")
    cursor.execute(f"LOCK TABLE {REST} IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(
        f"WITH waited AS (DELETE FROM {REST} WHERE expires >= %s AND expires < %s RETURNING *)"  # noqa: S608 - names of ours
        f" INSERT INTO {name} SELECT * FROM waited",
        [first, end],
    )
    cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}')")


def _parts(cursor: CursorWrapper) -> list[tuple[str, datetime | None, datetime | None]]:
    """Each part, its beginning and its end. The first has no beginning; the rest has neither."""
    bounds = [rf"substring(pg_get_expr(c.relpartbound, c.oid) FROM '{word} \(''([^'']+)')" for word in ("FROM", "TO")]
    cursor.execute(
        f"SELECT c.relname, {', '.join(f'{one}::timestamptz' for one in bounds)} FROM pg_inherits i"  # noqa: S608
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
        [TABLE],
    )
    found: list[tuple[str, datetime | None, datetime | None]] = cursor.fetchall()
    return found


def _name(day: date) -> str:
    return f"{TABLE}_{day:%Y%m%d}"


def _utc(day: date) -> str:
    return f"{day} 00:00:00+00"


def _briefly(work: Callable[[CursorWrapper], object], *also: str) -> None:
    """In a transaction that gives a lock up soon, as everybody waits behind it, and is tried again.

    Before, it waits for those who look after the table or these parts, which holds up neither reads nor writes.
    """
    tables = ", ".join(f"ONLY {one}" for one in (TABLE, *also))
    for _number in range(TRIES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{ASIDE}'")
                cursor.execute(f"LOCK TABLE {tables} IN SHARE UPDATE EXCLUSIVE MODE")
                cursor.execute(f"SET LOCAL lock_timeout = '{WAIT}'")
                work(cursor)
                return
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
        time.sleep(PAUSE)
    raise InUse(f"Somebody keeps {TABLE} in use, a dump for example. Nothing is lost: try again later.")


def _estimate(table: str) -> int:
    """About how many rows it has."""
    return _one("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = %s::regclass", table)


def _one(statement: str, *values: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: int = cursor.fetchone()[0]
        return found
