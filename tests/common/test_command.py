"""What every command of ours has in common: the forms of its answer, its exit statuses, and what it takes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import example, given
from hypothesis import strategies as st

from common import clock, command
from common.command import NO, WRONG_USE, DatabaseCommand, Refused, kept_unless, wrong_use
from common.command_arguments import length, past
from common.command_output import ago, columns, encoded, exact, number, printable, told, until
from projects.models import Project

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


class Doing(DatabaseCommand):
    """A command that does what a test says."""

    writes = True

    def __init__(self, act: Callable[[Doing], None]) -> None:
        super().__init__()
        self.act = act

    def handle(self, *args: object, **options: object) -> None:
        self.act(self)


def run(act: Callable[[Doing], None], *arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command(Doing(act), *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), err.getvalue()


# --- The answer ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_people_get_lines_and_programs_one_document() -> None:
    def act(doing: Doing) -> None:
        doing.answer({"at": NOON, "count": 2}, ["Two things", "since noon"])

    assert run(act) == ("Two things\nsince noon\n", "")
    out, _err = run(act, "--format", "json")
    assert json.loads(out) == {"at": "2026-11-29T12:00:00.000000Z", "count": 2}


@pytest.mark.django_db
def test_a_refusal_is_a_document_too_with_what_is_wrong() -> None:
    def act(_doing: Doing) -> None:
        raise Refused("No.", returncode=WRONG_USE, problems=[("scope", "Unknown.")])

    out, said = run(act, "--format", "json")
    assert json.loads(out) == {"error": "No.", "problems": [{"field": "scope", "message": "Unknown."}]}
    assert said == "No."
    assert run(act) == ("", "No.")


@pytest.mark.django_db
def test_an_answer_that_is_a_no_stays_the_only_document() -> None:
    def act(doing: Doing) -> None:
        doing.answer({"allowed": False}, [])
        raise Refused("Refused.")

    out, said = run(act, "--format", "json")
    assert (json.loads(out), said) == ({"allowed": False}, "Refused.")


@pytest.mark.any_database
@pytest.mark.django_db
def test_progress_is_for_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def act(doing: Doing) -> None:
        doing.progress("half of it")

    assert run(act) == ("", "")
    monkeypatch.setattr(command, "PATIENCE", -1.0)
    assert run(act) == ("", "half of it\n")


def test_it_is_told_whether_the_answer_is_no_or_the_question_was_wrong() -> None:
    assert (Refused("No.").returncode, wrong_use("Nobody.").returncode) == (NO, WRONG_USE) == (1, 2)


@pytest.mark.django_db
@pytest.mark.parametrize(("dry_run", "left"), [(True, 0), (False, 1)])
def test_a_dry_run_goes_all_the_way_and_keeps_nothing(dry_run: bool, left: int) -> None:
    with kept_unless(dry_run):
        Project.objects.create(key="new", name="New")
        assert Project.objects.count() == 1
    assert Project.objects.count() == left


def test_a_reader_who_has_enough_ends_it_without_a_word() -> None:
    """As `manage.py … | head` does."""
    program = "from common.command import DatabaseCommand as C\nC.execute = lambda *_a, **_o: print('x' * 100_000)\n"
    program += "C().run_from_argv(['manage.py', 'it'])"
    asked = ["sh", "-c", f'"{sys.executable}" -c "$0" | head -c 1', f"import django\ndjango.setup()\n{program}"]
    environment = {"DJANGO_SETTINGS_MODULE": "idp.settings", "DATABASE_URL": "sqlite://:memory:"}
    done = subprocess.run(asked, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("x", "")


def test_in_a_terminal_every_refusal_begins_alike() -> None:
    program = "from common.command import DatabaseCommand as C, wrong_use\nclass It(C):\n    needs_database = False\n"
    program += "    requires_system_checks = ()\n    def handle(self, **_o):\n        raise wrong_use('Nobody.')\n"
    asked = [sys.executable, "-c", f"import django\ndjango.setup()\n{program}It().run_from_argv(['manage.py', 'it'])"]
    environment = {"DJANGO_SETTINGS_MODULE": "idp.settings", "DATABASE_URL": "sqlite://:memory:"}
    done = subprocess.run(asked, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (WRONG_USE, "CommandError: Nobody.\n")


# --- Words ---------------------------------------------------------------------------------------------------------


def test_a_stored_name_cannot_play_with_a_terminal() -> None:
    assert printable("a\x1b[31mb\r\x9bc\u202ed\ud800") == "a\ufffd[31mb\ufffd\ufffdc\ufffdd\ufffd"
    assert printable("M\u00fcller \u5de5\u4f5c 'fine'") == "M\u00fcller \u5de5\u4f5c 'fine'"


def test_a_stored_name_stays_on_its_line() -> None:
    assert printable("a\n2026-11-29 20:00:00 UTC client.created b") == "a\ufffd2026-11-29 20:00:00 UTC client.created b"
    assert columns([["a\nb", "c"]]) == ["a\ufffdb  c"]


@given(st.text())
def test_what_is_printed_has_no_control_characters_and_is_text(text: str) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", printable(text))
    printable(text).encode()
    assert json.loads(encoded({"name": text})) == {"name": text}


def test_moments_and_amounts_are_told_in_words() -> None:
    assert told(NOON) == "2026-11-29 12:00:00 UTC"
    assert (told(None), ago(None, NOON)) == ("never", "never")
    assert [ago(NOON - timedelta(seconds=one), NOON) for one in (-5, 3, 119, 120, 7_200, 200_000)] == [
        *("0 s ago", "3 s ago", "119 s ago", "2 min ago", "2 h ago", "2 d ago"),
    ]
    assert (until(NOON + timedelta(days=3), NOON), until(NOON, NOON)) == ("in 3 d", "0 s ago")
    assert (number(1, "key"), number(1204, "key"), number(0, "person", "people")) == ("1 key", "1,204 keys", "0 people")
    assert exact(NOON.astimezone()) == "2026-11-29T12:00:00.000000Z"


def test_columns_are_as_wide_as_they_must_be() -> None:
    assert columns([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]
    assert columns([]) == []


# --- What is typed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-29T20:00:00Z", datetime(2026, 11, 29, 20, tzinfo=UTC)),
        ("2026-11-29T20:00:00+02:00", datetime(2026, 11, 29, 18, tzinfo=UTC)),
        ("2026-11-29", datetime(2026, 11, 29, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_time_with_its_zone_or_a_day(
    text: str, moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 1, tzinfo=UTC))
    assert past(text, "--since") == moment


def test_a_moment_may_be_told_by_how_long_ago_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    assert past("90m", "--since") == NOON - timedelta(minutes=90)
    assert past("7d", "--since") == NOON - timedelta(days=7)


@pytest.mark.parametrize(
    "text",
    ["", "x", "7", "7w", "-7d", "2026-13-01", "999999d", "0001-01-01T00:00:00+14:00", "2999-01-01", "\0", "\u0667d"],
)
def test_what_is_no_moment_of_the_past_is_wrong_use(text: str) -> None:
    with pytest.raises(Refused, match=r"^--since ") as raised:
        past(text, "--since")
    assert raised.value.returncode == WRONG_USE


@given(st.text(max_size=40) | st.text("0123456789T:+Z.-", max_size=30))
@example("0001-01-01")
def test_no_text_breaks_them(text: str) -> None:
    for take in (past, length):
        with suppress(Refused):
            take(text, "--x")


def test_a_command_that_is_interrupted_while_it_starts_ends_without_a_word() -> None:
    """Loading takes a second or two, in which people notice what they typed."""
    program = (
        "import runpy, sys\n"
        "from django.core import management\n"
        "def typed(_argv): raise KeyboardInterrupt\n"
        "management.execute_from_command_line = typed\n"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_command_that_asks_where_nobody_can_type_says_so() -> None:
    program = (
        "import runpy\n"
        "from django.core import management\n"
        "management.execute_from_command_line = lambda _argv: input()\n"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    asked = [sys.executable, "-c", program]
    done = subprocess.run(asked, cwd=ROOT, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "This command asks for something: run it in a terminal. Nothing was changed.\n"


@pytest.mark.django_db
def test_what_somebody_else_made_in_the_same_moment_is_a_sentence() -> None:
    with pytest.raises(Refused, match="in this very moment") as refused, kept_unless(dry_run=False):
        Project.objects.bulk_create([Project(key="twice", name="Twice"), Project(key="twice", name="Twice")])
    assert refused.value.returncode == NO
    assert not Project.objects.filter(key="twice").exists()


@pytest.mark.parametrize(
    ("name", "here"), [("createapplication", "createclient"), ("clearcimdapplications", "cleartokens")]
)
def test_commands_of_the_toolkit_that_would_go_past_our_rules_say_what_to_run(name: str, here: str) -> None:
    with pytest.raises(CommandError, match=here) as refused:
        call_command(name)
    assert refused.value.returncode == WRONG_USE
    asked = [sys.executable, "manage.py", name, "--skip-authorization", "confidential", "authorization-code"]
    done = subprocess.run(asked, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (WRONG_USE, "")
    assert here in done.stderr
    assert done.stderr.count("\n") == 1
