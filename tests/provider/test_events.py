"""`manage.py events`: a feed that a SIEM reads on from where it stopped, from which nothing is missing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from accounts.models import AccountEvent, User
from clients import registration
from clients.models import Client, SecurityEvent
from common.command import NO, WRONG_USE
from projects.actors import Actor
from provider import event_feed
from provider.event_feed import Place, Wanted
from provider.management.commands import events

pytestmark = pytest.mark.django_db
OPERATOR = Actor.operator("a test")


def read(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("events", "--format", "json", *arguments, stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def happen(number: int = 3, kind: str = "client.changed", **values: Any) -> None:
    for count in range(number):
        SecurityEvent.objects.create(kind=kind, detail={"number": count}, **values)


@pytest.mark.usefixtures("world")
def test_each_event_is_a_line_and_both_logs_are_in_it() -> None:
    owner = User.objects.get(username="owner")
    AccountEvent.objects.create(kind="sign_in", sub=owner.sub, address="192.0.2.1")
    [row] = [one for one in read() if one["log"] == "account"]
    assert row.keys() == {
        *("id", "at", "log", "kind", "client_id", "target_client_id", "sub", "address", "detail"),
    }
    assert (row["kind"], row["sub"], row["address"], row["client_id"]) == ("sign_in", owner.sub, "192.0.2.1", None)
    assert row["at"].endswith("Z")


def test_behind_an_id_it_goes_on_and_nothing_is_missed_or_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_feed, "BATCH", 2)
    happen(5)
    for number in range(3):
        AccountEvent.objects.create(kind="sign_in", detail={"number": number})
    everything = read()
    assert len(everything) == 8
    for count, one in enumerate(everything):
        assert read("--after", one["id"]) == everything[count + 1 :]
    last = everything[-1]["id"]
    happen(1)
    assert len(read("--after", last)) == 1


def test_without_more_it_tells_of_the_last_day() -> None:
    happen(1)
    SecurityEvent.objects.update(at=timezone.now() - timedelta(days=2))
    happen(1, "client.created")
    assert [one["kind"] for one in read()] == ["client.created"]
    assert len(read("--since", "3d")) == 2


@pytest.mark.usefixtures("world")
def test_it_is_filtered_by_kind_client_person_and_project() -> None:
    registration.delete(Client.objects.get(client_id="blind"), OPERATOR)
    owner = User.objects.get(username="owner")
    AccountEvent.objects.create(kind="sign_in", sub=owner.sub)
    AccountEvent.objects.create(kind="sign_in", sub="somebody-who-is-gone")
    kinds = {one["kind"] for one in read("--kind", "client.")}
    assert kinds
    assert all(kind.startswith("client.") for kind in kinds)
    assert {one["kind"] for one in read("--kind", "sign_in")} == {"sign_in"}
    assert {one["client_id"] for one in read("--client", "blind")} == {"blind"}, "also of one that is gone"
    assert {one["sub"] for one in read("--user", "owner", "--kind", "sign_in")} == {owner.sub}
    assert len(read("--user", "somebody-who-is-gone")) == 1
    happen(1, client_id="stranger")
    happen(1, client_id="web")
    assert {one["client_id"] for one in read("--project", "other")} == {"stranger"}


@pytest.mark.parametrize(
    ("kind", "near"),
    [("tokn.reuse", "'token.reuse'"), ("client", "'client.'"), ("sign_in.faild", "'sign_in.failed'"), ("zzz", None)],
)
def test_a_kind_that_nobody_writes_is_told_and_not_waited_for(kind: str, near: str | None) -> None:
    with pytest.raises(CommandError, match="There is no event of the kind") as refused:
        read("--kind", kind, "--follow")
    assert refused.value.returncode == WRONG_USE
    assert ("Did you mean" in str(refused.value)) == (near is not None)
    assert near is None or near in str(refused.value)


@pytest.mark.parametrize("kind", ["token.reuse", "client.", "sign_in", "consent.saved", "slow"])
def test_every_kind_that_there_is_or_was_may_be_asked_for(kind: str) -> None:
    happen(1, "slow")
    read("--kind", kind)


def test_people_read_lines() -> None:
    happen(1, "client.created", client_id="web\x1b[2J")
    out = StringIO()
    call_command("events", stdout=out)
    [line] = out.getvalue().splitlines()
    assert line.endswith("UTC client.created web\ufffd[2J number=0")


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--after", "12"], "--after takes the id of an event"),
        (["--after", "1.2", "--since", "1d"], "not allowed with"),
        (["--since", "soon"], "--since takes"),
        (["--client", "no\0\udcff"], "There is no client"),
        (["--user", "nobody"], "There is no account"),
        (["--project", "nothing"], "There is no project"),
    ],
)
def test_what_cannot_be_meant_is_said(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said) as raised:
        read(*arguments)
    assert raised.value.returncode in (WRONG_USE, 1)  # the parser's own, in a call of a test


@pytest.mark.parametrize("text", ["", "1", "1.", "-1.2", "1.2.3", "9" * 30 + ".1", "\u0661.\u0662"])
def test_only_what_we_print_is_a_place(text: str) -> None:
    assert Place.of(text) is None or text.isascii()
    assert str(Place.of("1204.88")) == "1204.88"


# --- As it happens -------------------------------------------------------------------------------------------------


class Reader(StringIO):
    """Standard output that ends the command once it has read enough."""

    stop: threading.Event

    def __init__(self, enough: int) -> None:
        super().__init__()
        self.enough = enough

    def flush(self) -> None:
        if len(self.getvalue().splitlines()) >= self.enough:
            self.stop.set()


def test_it_follows_what_happens_until_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Reader(4)

    @contextmanager
    def more_happens_meanwhile(stop: threading.Event) -> Iterator[None]:
        out.stop = stop
        monkeypatch.setattr(stop, "wait", lambda _seconds: happen(2, "client.created"))
        yield

    monkeypatch.setattr(events, "stopping_on_signals", more_happens_meanwhile)
    monkeypatch.setattr(events, "close_old_connections", lambda: None)
    happen(2)
    call_command("events", "--follow", "--format", "json", stdout=out)
    assert [json.loads(line)["kind"] for line in out.getvalue().splitlines()] == ["client.created"] * 4


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_row_of_a_long_transaction_is_not_passed_by() -> None:
    """It has a lower number than one that is committed before it."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "INSERT INTO clients_securityevent (at, kind, client_id, target_client_id, sub, detail)"
                " VALUES (now(), 'slow', '', '', '', '{}')"
            )
        happen(1, "quick")
        until = time.monotonic() + 0.5
        assert event_feed.settled(lambda: time.monotonic() > until) is None, "somebody is still writing"
        other.commit()
        place = event_feed.settled(lambda: False)
        assert place is not None
        found = event_feed.between(Place(0, 0), place, Wanted())
        assert [event.kind for _place, event in found] == ["slow", "quick"]
    finally:
        other.close()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_following_it_waits_a_while_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "WAITS_FOR_WRITERS", 0.2)
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        with pytest.raises(CommandError, match="run it again") as raised:
            read()
        assert raised.value.returncode == NO
    finally:
        other.close()
