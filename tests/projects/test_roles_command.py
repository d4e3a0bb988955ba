"""`manage.py roles`: shown, given and taken back from the terminal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import groups
from accounts.models import User
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.models import ProjectRole, RoleGrant

pytestmark = pytest.mark.usefixtures("world")
OPERATOR = Actor.operator("test")


def roles(*args: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("roles", *args, "--format", "json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_a_role_is_made_given_taken_back_and_deleted() -> None:
    choir = groups.make("The choir", OPERATOR)
    groups.set_members(choir, [User.objects.get(username="member")], "", OPERATOR)
    made = roles("acme", "staff", "--make", "--description", "Works here", "--to", "owner", "--to-group", "the choir")
    assert made["done"] == ["made", "given 2 times"]
    assert (made["users"], made["groups"], made["description"]) == (["owner"], ["The choir"], "Works here")
    assert roles("acme", "--user", "member")["roles"] == ["staff"]
    assert roles("acme", "--user", "outsider")["roles"] == []
    assert [one["name"] for one in roles("acme")["roles"]] == ["staff"]
    assert roles("acme", "Staff", "--from", "owner", "--from", "outsider")["done"] == ["taken back 1 time"]
    assert roles("acme", "staff", "--delete")["done"] == ["deleted"]
    assert roles("acme")["roles"] == []
    event = SecurityEvent.objects.filter(kind="role.granted").first()
    assert event is not None
    assert event.detail["by"] == "roles"
    assert event.detail["run_by"]


def test_a_dry_run_changes_nothing() -> None:
    assert roles("acme", "staff", "--make", "--to", "owner", "--dry-run")["done"] == ["made", "given 1 time"]
    assert not ProjectRole.objects.exists()
    assert not RoleGrant.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nothing"], "There is no project 'nothing'"),
        (["acme", "nothing"], "has no role 'nothing'"),
        (["acme", "nothing", "--to", "owner"], "has no role 'nothing'"),
        (["acme", "--user", "nobody"], "There is no user 'nobody'"),
        (["acme", "--make"], "Name the ROLE"),
        (["acme", "a", "--make", "--user", "owner"], "Name the ROLE"),
        (["acme", "a/b", "--make"], "no slash"),
        (["acme", "a", "--make", "--to", "nobody"], "No account has this username"),
        (["acme", "a", "--make", "--to-group", "nobody"], "There is no group of this name"),
    ],
)
def test_what_cannot_be_is_wrong_use_and_changes_nothing(args: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        roles(*args)
    assert caught.value.returncode == 2
    assert not ProjectRole.objects.exists()
