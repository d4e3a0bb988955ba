"""Access tokens divided by days: nothing is lost on the way, everything works, and a day that is over is gone."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F

from clients.models import AccessToken, Client
from idp import status
from provider import partitions
from provider.clearing import Incomplete, clear
from provider.management.commands import partition
from tests import journey
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
on_postgresql = pytest.mark.postgresql
NOON = datetime(2031, 5, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = partitions.TABLE


def parts() -> dict[str, int]:
    """Of the table, by what follows its name; and how many rows each has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
                       " WHERE inhparent = %s::regclass ORDER BY relname", [KEY])  # fmt: skip
        names = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 - ours
            found[name.removeprefix(f"{KEY}_")] = cursor.fetchone()[0]
    return found


def own_token() -> str:
    return str(App("service").token(grant_type="client_credentials").json()["access_token"])


def alive(token: str, client_id: str = "service") -> bool:
    return bool(App(client_id).introspect(token).json()["active"])


def another_connection() -> psycopg.Connection:
    info = connection.connection.info
    return psycopg.connect(info.dsn, password=info.password)


def fail(*_arguments: object, **_named: object) -> None:
    raise partitions.InUse("Somebody keeps it in use.")


def be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the table is divided: nothing is taken back."""
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(partitions, "_swap", fail)
        meanwhile.setattr(partitions, "unbind", lambda: None)
        with pytest.raises(partitions.InUse):
            partitions.divide()
    assert partitions.are_bound()


def make(*arguments: str) -> str:
    out = io.StringIO()
    call_command("partition", *arguments, stdout=out)
    return out.getvalue()


@on_postgresql
def test_what_was_there_before_goes_on_as_a_part_of_its_own() -> None:
    with time_machine.travel(NOON, tick=False):
        before = Browser("owner").tokens("web", scope=journey.SCOPE)
        assert make() == "Access tokens are divided by days. Those of before go as one part, after 2031-05-11.\n"
        assert parts() == {"20310511": 0, "20310512": 0, "before": 1, "rest": 0}
        journey.at_apps(before)
        assert alive(before["access_token"], "web")
        assert parts()["before"] > 1


@on_postgresql
def test_days_are_made_ahead_and_go_when_they_are_over() -> None:
    Client.objects.filter(client_id="service").update(access_token_lifetime=3600)
    with time_machine.travel(NOON, tick=False) as clock:
        partitions.divide()
        clock.move_to(NOON + DAY)
        kept = partitions.keep()
        assert (kept.made, kept.dropped) == (1, 1)  # how many rows is an estimate, which outlives a test
        own_token()
        assert parts() == {"20310511": 1, "20310512": 0, "20310513": 0, "rest": 0}
        clock.move_to(datetime(2031, 5, 12, 0, 30, tzinfo=UTC))
        clear(by="test")
        assert parts()["20310511"] == 1  # by the clock of another node it may not be over
        clock.move_to(datetime(2031, 5, 12, 3, tzinfo=UTC))
        clear(by="test")
        assert parts() == {"20310512": 0, "20310513": 0, "20310514": 0, "rest": 0}
        assert not AccessToken.objects.exists()


@on_postgresql
def test_what_expires_later_waits_in_the_rest_until_its_day_is_made() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        partitions.divide()
        Client.objects.filter(client_id="service").update(access_token_lifetime=4 * 86_400)
        token = own_token()
        assert parts()["rest"] == 1
        clock.move_to(NOON + 2 * DAY)
        partitions.keep()
        assert parts() == {"20310512": 0, "20310513": 0, "20310514": 1, "rest": 0}
        assert alive(token)


@on_postgresql
def test_no_day_is_missed_however_long_nobody_looked() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        partitions.divide()
        clock.move_to(NOON + 30 * DAY)
        token = own_token()
        assert parts()["rest"] == 1
        clear(by="test")
        assert parts() == {"20310609": 1, "20310610": 0, "20310611": 0, "rest": 0}
        assert alive(token)
        clock.move_to(NOON + 60 * DAY)
        AccessToken.objects.update(expires=F("expires") + 20 * DAY)  # into the rest, and over there
        clear(by="test")
        assert not AccessToken.objects.exists()


@on_postgresql
def test_those_of_before_that_have_expired_are_deleted_meanwhile() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        own_token()
        partitions.divide()
        clock.move_to(NOON + timedelta(hours=3))
        assert clear(by="test")["access_tokens"] == 1
        assert parts()["before"] == 0


@on_postgresql
def test_a_role_that_does_not_own_the_table_clears_without_touching_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        partitions.divide()
        monkeypatch.setattr(partitions, "may_be_kept", lambda: False)
        clock.move_to(NOON + 9 * DAY)
        own_token()
        clock.move_to(NOON + 20 * DAY)
        with pytest.raises(CommandError, match="belongs to another role"):
            make()
        clear(by="test")
        assert set(parts()) == {"20310511", "20310512", "before", "rest"}
        assert not AccessToken.objects.exists()


@on_postgresql
def test_nobody_waits_behind_it_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the whole table, as a dump does, is not disturbed, and neither are those who come meanwhile."""
    token = own_token()
    with another_connection() as dump, monkeypatch.context() as meanwhile:
        meanwhile.setattr(partitions, "TRIES", 2)
        meanwhile.setattr(partitions, "WAIT", "20ms")
        meanwhile.setattr(partitions, "PAUSE", 0)
        dump.execute(f"LOCK TABLE {KEY} IN ACCESS SHARE MODE")
        with pytest.raises(CommandError, match="in use, a dump for example"):
            make()
    assert not partitions.are_there()
    assert alive(token)
    make()
    assert partitions.are_there()


@on_postgresql
def test_where_tokens_live_for_long_nothing_is_divided() -> None:
    """What is there would be a part until the last of it expires, and each day would have to be moved."""
    service = Client.objects.filter(client_id="service")
    with time_machine.travel(NOON, tick=False):
        service.update(access_token_lifetime=10 * 86_400)
        with pytest.raises(CommandError, match=r"until 2031-05-20, .* Shorten the lifetime of clients to 2 days"):
            make()
        own_token()
        service.update(access_token_lifetime=2 * 86_400)
        with pytest.raises(CommandError, match="wait until what they got before has expired"):
            make()
        assert not partitions.are_there()
        AccessToken.objects.all().delete()
        make()
        assert partitions.are_there()


@on_postgresql
def test_an_autovacuum_has_time_to_go_out_of_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL ends it for somebody who has waited for a second: 300 ms, again and again, would wait for its end."""
    monkeypatch.setattr(partitions, "TRIES", 1)
    monkeypatch.setattr(partitions, "WAIT", "1ms")
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::interval > current_setting('deadlock_timeout')::interval", [partitions.ASIDE])
        assert cursor.fetchone() == (True,)
    monkeypatch.setattr(partitions, "ASIDE", "2min")
    ours, over = connection.connection.info.backend_pid, threading.Event()
    with another_connection() as vacuum, another_connection() as watching:
        vacuum.execute(f"LOCK TABLE {KEY} IN SHARE UPDATE EXCLUSIVE MODE")
        watching.autocommit = True
        thread = threading.Thread(target=go_out_of_the_way, args=(vacuum, watching, ours, over))
        thread.start()
        try:
            make()
        finally:
            over.set()
            thread.join()
    assert partitions.are_there()


def go_out_of_the_way(
    vacuum: psycopg.Connection, watching: psycopg.Connection, waiting: int, over: threading.Event
) -> None:
    """As soon as that process waits for us."""
    while not over.wait(0.01):
        (found,) = watching.execute(
            "SELECT %s = ANY(pg_blocking_pids(%s))", [vacuum.info.backend_pid, waiting]
        ).fetchone() or (False,)
        if found:
            vacuum.rollback()
            return


@on_postgresql
def test_a_run_that_fails_leaves_nothing_that_refuses_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_swap", fail)
    with time_machine.travel(NOON, tick=False) as clock:
        with pytest.raises(CommandError, match="keeps it in use"):
            make()
        assert not partitions.are_bound()
        clock.move_to(NOON + 3 * DAY)
        assert alive(own_token())


@on_postgresql
def test_what_a_run_left_that_was_killed_refuses_nobody_a_grant_and_goes_with_the_next_clearing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No app throws its refresh token away for it: 503, and the same token works later."""
    with time_machine.travel(NOON, tick=False) as clock:
        refresh_token = Browser("owner").tokens("web", scope="openid offline_access")["refresh_token"]
        be_killed(monkeypatch)
        clock.move_to(NOON + 3 * DAY)
        with transaction.atomic():
            refused = App("web").refresh(refresh_token)
            transaction.set_rollback(True)
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        clear(by="test")
        assert App("web").refresh(refresh_token).status_code == 200


@on_postgresql
def test_what_cannot_be_taken_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    be_killed(monkeypatch)
    with monkeypatch.context() as owned_by_another:
        owned_by_another.setattr(partitions, "_unbound", fail)
        with pytest.raises(Incomplete, match="as the role that owns the tables"):
            clear(by="test")
    make()
    assert partitions.are_there()


@on_postgresql
def test_without_its_check_the_table_is_not_swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows would be looked at while everybody waits."""
    monkeypatch.setattr(partitions, "_BOUND", "SELECT 0 WHERE %s <> %s")
    with pytest.raises(CommandError, match="Nothing is lost"):
        make()
    assert not partitions.are_there()


@on_postgresql
def test_whoever_might_use_the_table_still_may() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT, DELETE ON {KEY} TO PUBLIC")
        for change in (partitions.divide, partitions.join):
            change()
            cursor.execute("SELECT privilege_type FROM information_schema.role_table_grants"
                           " WHERE grantee = 'PUBLIC' AND table_name = %s ORDER BY 1", [KEY])  # fmt: skip
            assert [right for (right,) in cursor.fetchall()] == ["DELETE", "SELECT"]


@on_postgresql
def test_it_is_one_table_again_with_all_that_lives() -> None:
    token = own_token()
    assert make("--undo") == "Access tokens are one table.\n"
    make()
    assert "0 made, 0 dropped" in make()
    assert make("--undo") == "Access tokens are one table.\n"
    assert not partitions.are_there()
    assert alive(token)
    journey.at_apps(Browser("owner").tokens("web", scope=journey.SCOPE))
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, KEY).values()
    assert sorted(one["columns"] for one in found if one["index"] or one["primary_key"]) == [
        ["application_id"],
        ["authorization_id"],
        ["digest"],
    ]
    make()


@on_postgresql
def test_how_many_there_are_is_told_of_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "EXACT", 1)
    own_token()
    partitions.divide()
    own_token()
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {KEY}_before")
    assert status.about(AccessToken) == 2


def test_elsewhere_nothing_is_divided() -> None:
    if connection.vendor == "postgresql":
        assert not partitions.are_there()
        return
    with pytest.raises(CommandError, match=r"^Only PostgreSQL"):
        make()
    assert partition.ELSEWHERE.endswith("need no more.")
