"""`manage.py invite`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from projects.events import SecurityEvent
from projects.invitation import Invitation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
GUEST = "guest@new.example"


def run(capsys: Any, *arguments: str) -> dict[str, Any]:
    call_command("invite", *arguments, "--format", "json")
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_an_operator_invites_lists_and_takes_back(capsys: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = run(capsys, GUEST, "--project", "acme", "--role", "owner")
    assert (made["project"], made["role"], made["inviter"]) == ("acme", "owner", None)
    (message,) = mail.outbox
    assert (message.to, message.subject) == ([GUEST], "Vestibule invites you to Acme")
    run(capsys, "staff@new.example")
    assert [one["email"] for one in run(capsys, "--list", "--project", "acme")["invitations"]] == [GUEST]
    assert len(run(capsys, "--list")["invitations"]) == 2
    assert run(capsys, GUEST, "--project", "acme", "--take-back")["email"] == GUEST
    assert [one.email for one in Invitation.objects.all()] == ["staff@new.example"]
    event = SecurityEvent.objects.filter(kind="invitation.made").earliest("pk")
    assert event.detail["by"] == "invite"
    assert event.detail["run_by"]


def test_a_dry_run_sends_nothing(capsys: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert run(capsys, GUEST, "--dry-run")["dry_run"] is True
    assert not Invitation.objects.exists()
    assert mail.outbox == []
    call_command("invite", GUEST)
    run(capsys.readouterr() and capsys, GUEST, "--take-back", "--dry-run")
    assert Invitation.objects.exists()


def test_people_read_sentences(capsys: Any) -> None:
    call_command("invite", GUEST, "--project", "acme")
    assert capsys.readouterr().out.startswith(f"Invited {GUEST} to Acme. The link works until ")
    call_command("invite", "--list")
    assert capsys.readouterr().out.startswith(f"{GUEST}  acme  -  until ")


@pytest.mark.parametrize(
    "arguments",
    [(), ("x",), ("a\0b",), (GUEST, "--project", "nothing"), (GUEST, "--role", "owner"), (GUEST, "--take-back")],
)
def test_what_cannot_be_is_refused_in_a_sentence(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("invite", *arguments)
    assert not Invitation.objects.exists()
