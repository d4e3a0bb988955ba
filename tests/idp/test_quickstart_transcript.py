"""The transcripts of docs/operations.md: typed as they stand, one after the other, they answer what the page shows."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.utils import timezone

from accounts.models import User
from clients.models import Client, SigningKey
from idp import doctor
from provider.facts import client_facts
from provider.store import authorizations
from tests.world import App, basic

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
CHAPTERS = PAGE.partition("\n## Commands\n")[2].partition("\n## Environment\n")[0]
BLOCKS = re.findall(r"^```\n(\$ .*?)^```", CHAPTERS, re.MULTILINE | re.DOTALL)
PROMPT = "$ "
PIPED = re.compile(r'echo "\$(\w+)" \| ')
MANAGE = ".venv/bin/python manage.py "
# What differs each time, and still reads well on the page.
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( ?UTC|Z|\+00:00)")
LENGTH = re.compile(r"\b[\d.]+ (s|min|h|d|ms)\b")
ANY_LINES, ANY_TEXT = "\n…\n", "…"
NOT_OURS = {"createsuperuser", "changepassword", "collectstatic", "check", "migrate"}
# Begun with; and those with a chapter of their own and a test of what it shows.
ELSEWHERE = {"quickstart", "applyconfig", "exportconfig", "createinitialtoken", "importdot", "importusers", "partition"}


def typed(block: str) -> list[tuple[str, str]]:
    """Each line that is typed, and what the page shows below it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    lines = [part.replace("\\\n", "").partition("\n") for part in parts]
    return [(line, shown) for line, _end, shown in lines]


def settled(text: str) -> str:
    """Columns are as wide as what is in them."""
    return re.sub(" {2,}", "  ", LENGTH.sub("some time", MOMENT.sub("some moment", text))).strip()


def as_shown(shown: str, answered: str) -> bool:
    pattern = re.escape(f"\n{settled(shown)}\n")
    pattern = pattern.replace(re.escape(ANY_LINES), "\n(.*\n)?").replace(re.escape(ANY_TEXT), "[^\n]*")
    return re.fullmatch(pattern, f"\n{settled(answered)}\n", re.DOTALL) is not None


class Terminal:
    """What is typed in it runs here, in the database of the test."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables

    def answer(self, line: str) -> str:
        piped = PIPED.match(line)
        data = self.variables[piped[1]].encode() if piped else b""
        line = line[piped.end() :] if piped else line
        assert line.startswith(MANAGE), line
        out, before = io.StringIO(), sys.stdin
        sys.stdin = SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: False)
        try:
            call_command(*shlex.split(line.removeprefix(MANAGE)), stdout=out, stderr=io.StringIO())
        except CommandError as error:
            return f"{out.getvalue()}CommandError: {error}\n"
        finally:
            sys.stdin = before
        return out.getvalue()


@pytest.fixture
def terminal(db: None, keys: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A fresh installation with its demo, where the demo's person has used the demo's app, which holds a token."""
    settings.STATE_DIR = tmp_path
    SigningKey.objects.update(created_at=timezone.now())  # a process of tests makes them once
    SigningKey.objects.filter(state="active").update(activated_at=timezone.now())
    monkeypatch.setattr(doctor, "within", lambda _seconds, check: doctor.found_by(check))
    call_command("quickstart", stdout=io.StringIO(), stderr=io.StringIO())
    secrets = dict(re.findall(r"^(\w+)='?([^'\n]*)'?$", (tmp_path / "secrets.env").read_text(), re.MULTILINE))
    auth = basic("acme-web", secrets["DEMO_ACME_WEB_SECRET"])
    client, demo = Client.objects.get(client_id="acme-web"), User.objects.get(username="demo")
    authorizations.grant_refresh_token(client_facts(client), demo, ("openid", "offline_access"), "the-refresh-token")
    form = {"grant_type": "refresh_token", "refresh_token": "the-refresh-token"}
    token = App("acme-web").post("/oauth2/token", form, auth=auth).json()["access_token"]
    return Terminal({"TOKEN": token})


@pytest.mark.django_db
def test_the_transcripts_answer_what_the_page_shows(terminal: Terminal) -> None:
    assert len(BLOCKS) > 5
    for block in BLOCKS:
        for line, shown in typed(block):
            answered = terminal.answer(line)
            assert as_shown(shown, answered), f"{line}\n--- the page ---\n{shown}\n--- the answer ---\n{answered}"


def test_every_command_of_ours_has_a_transcript() -> None:
    named = set(re.findall(r"^\| `([a-z]+)[ `]", CHAPTERS, re.MULTILINE))
    assert named <= set(get_commands())
    shown = {name for block in BLOCKS for name in re.findall(r"manage\.py ([a-z]+)", block)}
    assert named - NOT_OURS - ELSEWHERE - shown == set()


@pytest.mark.parametrize(
    ("shown", "answered", "same"),
    [
        ("a\n…\nz", "a\nb\nc\nz", True),
        ("a\n…\nz", "a\nz", True),
        ("a … z", "a b c z", True),
        ("a … z", "a b\nc z", False),
        ("made 3 s ago", "made 2 min ago", True),
        ("at 2026-11-30 12:00:00 UTC", "at 2027-01-01 00:00:00 UTC", True),
        ("12 keys", "13 keys", False),
        ("a.c", "abc", False),
    ],
)
def test_a_page_differs_from_an_answer_only_where_it_may(shown: str, answered: str, same: bool) -> None:
    assert as_shown(shown, answered) == same
