"""`importusers`: rows of any table become accounts; one that cannot is named by its line, and nothing of it is lost."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts import attribute_schema, groups
from accounts.attributes import Definition
from accounts.events import Whoever
from accounts.models import AccountEvent, EditableBy, User
from clients.models import SecurityEvent
from common.command import Refused
from idp.moving.files import Columns, Reading, rows
from idp.moving.people import People, Row, _normalized, _problem

pytestmark = pytest.mark.django_db
HASH = PBKDF2PasswordHasher().encode("correct horse", "salt", 1)
Take = Callable[..., dict[str, Any]]


@pytest.fixture
def take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Take:
    def run(text: str | bytes, *more: str) -> dict[str, Any]:
        file = tmp_path / "people"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        told: dict[str, Any]
        try:
            call_command("importusers", str(file), "--format", "json", *more)
        except CommandError as error:
            told = {"status": error.returncode, "error": str(error)}
        else:
            told = {"status": 0}
        told |= json.loads(capsys.readouterr().out or "{}")
        return told

    return run


def refused(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["where"], one["why"]) for one in told["refused"]]


def test_a_row_becomes_an_account(take: Take, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["common.hashers.Argon2Hasher", "common.hashers.PBKDF2Hasher"]
    header = "username,email,email_verified,password_hash,sub,given_name,family_name,phone_number,is_active,date_joined"
    told = take(f"{header}\nolive,Olive@People.example,true,{HASH},17,Olive,Owner,+1 555,t,2020-02-03T04:05:06Z\n")
    assert (told["status"], told["made"], told["ignored_columns"]) == (0, 1, [])
    one = User.objects.get()
    assert (one.username, one.sub, one.email, one.email_verified) == ("olive", "17", "olive@people.example", True)
    assert (one.first_name, one.last_name, one.attributes["phone_number"], one.is_active) == (
        "Olive",
        "Owner",
        "+1 555",
        True,
    )
    assert (one.date_joined.year, one.check_password("correct horse")) == (2020, True)
    assert SecurityEvent.objects.get().detail["made"] == {"people": 1}


@pytest.mark.parametrize(
    "text",
    [
        '[{"username": "a", "email": "a@x.example", "is_active": false}, {"username": "b", "sub": 7}]',
        '{"username": "a", "email": "a@x.example", "is_active": false}\n\n{"username": "b", "sub": 7}\n',
        "\ufeffusername,email,is_active,sub\r\na,a@x.example,False,\r\nb,,,7\r\n",
        '\n\nusername,"email",is_active,sub\n"a",a@x.example,0,""\n\n"b","","",7\n',
    ],
    ids=["an array", "lines", "CSV of Windows", "CSV with quotes and gaps"],
)
def test_every_form_of_a_file_says_the_same(take: Take, text: str) -> None:
    assert take(text)["made"] == 2
    assert [(one.username, one.email, one.is_active) for one in User.objects.order_by("pk")] == [
        ("a", "a@x.example", False),
        ("b", "", True),
    ]
    assert User.objects.get(username="b").sub == "7"


@pytest.mark.parametrize(
    "text",
    [
        "username,nickname,hours,remote,tags,address,groups\n"
        'olive,Ollie,38.5,yes,b;a,"{""country"": ""FR""}",Staff;crew\n',
        '[{"username": "olive", "nickname": "Ollie", "hours": 38.5, "remote": true, "tags": ["b", "a"],'
        ' "address": {"country": "FR"}, "groups": ["staff", "Crew"]}]',
    ],
    ids=["CSV", "JSON"],
)
def test_attributes_and_groups_come_along(take: Take, text: str) -> None:
    by = Whoever(name="a test")
    for name, kind in (("hours", "number"), ("remote", "boolean"), ("tags", "list")):
        attribute_schema.define(Definition(name, kind, name, EditableBy.IMPORT), by)
    staff, crew = groups.make("staff", by), groups.make("Crew", by)
    told = take(text)
    assert (told["made"], told["ignored_columns"]) == (1, [])
    one = User.objects.get()
    assert one.attributes == {
        "nickname": "Ollie",
        "hours": 38.5,
        "remote": True,
        "tags": ["b", "a"],
        "address": {"country": "FR"},
    }
    assert groups.group_names(one.pk) == ("Crew", "staff")
    event = AccountEvent.objects.filter(kind="groups.changed").latest("pk")
    assert (event.sub, event.detail["by"]) == (one.sub, "importusers")
    assert event.detail["added"] in ([str(staff.pk)], [str(crew.pk)])


def test_what_nobody_can_have_is_refused_with_its_line(take: Take) -> None:
    rows = ["a,many,", "b,,nobody", "c,,"]
    attribute_schema.define(Definition("hours", "number", "Hours", EditableBy.IMPORT), Whoever(name="a test"))
    told = take("username,hours,groups\n" + "\n".join(rows))
    assert [(one["where"], one["why"]) for one in told["refused"]] == [
        ("line 2", "hours: This must be a number."),
        ("line 3", "There is no group 'nobody'."),
    ]
    assert told["made"] == 1


def test_columns_of_any_table_are_mapped(take: Take) -> None:
    told = take(
        f"id,login,mail,pw,dept\n17,olive,o@x.example,{HASH},Sales\n",
        *("--map", "sub=id", "--map", "username=login", "--map", "email=mail", "--map", "password=pw"),
    )
    assert (told["made"], told["ignored_columns"]) == (1, ["dept"])
    assert (User.objects.get().sub, User.objects.get().password) == ("17", HASH)


def test_a_bad_row_is_named_by_its_line_and_written_down_whole(take: Take, tmp_path: Path) -> None:
    User.objects.create_user("taken", "taken@x.example", sub="1")
    text = """username,email,sub,is_active,note
good,good@x.example,2,1,"two
lines"
Taken,,3,1,x
other,TAKEN@x.example,4,1,
,a@b.example,5,1,
no spaces,a@c.example,6,1,
bad,no address,7,1,
odd,,8,perhaps,
few,9
GOOD,,10,1,
same,,2,1,
good2,,"a\tb",1,
"""
    told = take(text, "--rejected", str(tmp_path / "rejected.csv"))
    assert (told["status"], told["made"]) == (1, 1)
    assert refused(told) == [
        ("line 4", "Another account has this user name."),
        ("line 5", "Another account has this e-mail address."),
        ("line 6", "There is no user name."),
        ("line 7", told["refused"][3]["why"]),
        ("line 8", told["refused"][4]["why"]),
        ("line 9", "is_active is neither true nor false: 'perhaps'."),
        ("line 10", "It has 2 fields and the header 5."),
        ("line 11", "line 2 has the same name."),
        ("line 12", "line 2 has the same sub."),
        ("line 13", "A sub has no control characters, and no spaces at its ends."),
    ]
    with (tmp_path / "rejected.csv").open(newline="") as file:
        lost = list(csv.DictReader(file))
    assert [one["username"] for one in lost][:3] == ["Taken", "other", ""]
    assert [*lost[0]] == ["username", "email", "sub", "is_active", "note", "why"]
    assert (tmp_path / "rejected.csv").stat().st_mode & 0o077 == 0, "there are hashes in it"


def test_it_is_repeated_without_changing_anybody(take: Take) -> None:
    text = f"username,email,sub,password\na,a@x.example,1,{HASH}\nb,b@x.example,,{HASH}\nc,,,\n"
    assert take(text)["made"] == 3
    User.objects.update(password="!", first_name="Changed")
    again = take(text)
    assert (again["status"], again["made"], again["known"]) == (0, 0, 3)
    assert set(User.objects.values_list("password", "first_name")) == {("!", "Changed")}


def test_a_dry_run_changes_nothing(take: Take) -> None:
    told = take("username\na\nb\n", "--dry-run")
    assert (told["made"], told["dry_run"], User.objects.count(), SecurityEvent.objects.count()) == (2, True, 0, 0)


def test_a_hash_of_an_unknown_kind_is_listed_and_a_password_in_clear_is_none(take: Take) -> None:
    told = take("username,password\na,md5$x$y\nb,correct horse battery staple\nc,!abc\n")
    assert [one["name"] for one in told["without_password"]] == ["a", "b"]
    assert "staple" not in json.dumps(told)
    assert not any(one.has_usable_password() for one in User.objects.all())


def test_staff_are_staff_only_when_whoever_runs_it_says_so(take: Take) -> None:
    text = "username,is_staff,is_superuser\na,1,1\n"
    take(text)
    assert not User.objects.get().is_superuser
    User.objects.all().delete()
    take(text, "--with-staff", "--trust-addresses")
    assert User.objects.get().is_superuser


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("text", "more", "status", "why"),
    [
        ("username,username\na,b\n", [], 1, "names a column twice"),
        ("[1, ", [], 1, "This is no JSON"),
        ("username\na\n", ["--map", "username"], 2, "--map takes"),
        ("username\na\n", ["--map", "shoes=x"], 2, "--map takes"),
    ],
)
def test_what_is_no_file_of_people_is_said(take: Take, text: str, more: list[str], status: int, why: str) -> None:
    told = take(text, *more)
    assert (told["status"], why in told["error"]) == (status, True), told


def test_bytes_that_are_no_text_spoil_their_row_only(take: Take) -> None:
    told = take(b"username,first_name\na,\xff\nb,\xc3\xbc\n\x00c,x\n")
    assert [where for where, _why in refused(told)] == ["line 2", "line 4"]
    assert User.objects.get().first_name == "ü"


@given(st.text(max_size=200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("\ra")
def test_any_text_is_read_or_refused(text: str) -> None:
    reading = Reading()
    try:
        for row in rows(io.StringIO(text), Columns({}), reading):
            _problem(_normalized(row))
    except Refused:
        pass


@given(
    st.builds(Row, where=st.just("x"), username=st.text(max_size=5), email=st.text(max_size=8), sub=st.text(max_size=5))
)
def test_any_row_is_judged(row: Row) -> None:
    assert isinstance(_problem(_normalized(row)), str)


def test_thousands_are_taken_in_a_second(take: Take) -> None:
    rows = (f"person{n},person{n}@x.example,{HASH},{n}" for n in range(3000))
    began = time.process_time()
    assert take("username,email,password,sub\n" + "\n".join(rows))["made"] == 3000
    assert time.process_time() - began < 6


def test_who_is_brought_by_two_runs_at_once_is_told_in_a_sentence(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    def quicker(_people: People, _rows: object) -> None:
        with transaction.atomic():
            User.objects.bulk_create([User(username="kim"), User(username="kim")])

    monkeypatch.setattr(People, "_take", quicker)
    done = take("username\nkim\n")
    assert done["status"] == 1
    assert "run this again" in done["error"]
    monkeypatch.undo()
    assert take("username\nkim\n")["made"] == 1
