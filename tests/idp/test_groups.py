"""`manage.py groups`: which there are, who belongs to one and why, and changes of that."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts import groups
from accounts.events import Whoever
from accounts.models import AccountEvent, Group, User
from common.command import NO, WRONG_USE, Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def told(*arguments: str) -> Any:
    out = StringIO()
    call_command("groups", *arguments, "--format", "json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_a_group_is_made_filled_shown_and_deleted() -> None:
    made = told("staff", "--make", "--add", "owner", "--add", "member@people.example")
    assert [one["username"] for one in made["members"]] == ["member", "owner"]
    assert told("STAFF", "--make", "--add", "owner")["id"] == made["id"], "again, it is the same one"
    groups.set_members(Group.objects.get(), [User.objects.get(username="outsider")], "ldap", Whoever(name="a test"))
    assert [(one["username"], one["sources"]) for one in told("staff")["members"]] == [
        ("member", [""]),
        ("outsider", ["ldap"]),
        ("owner", [""]),
    ]
    assert told("staff", "--remove", "owner")["members"][-1]["username"] == "outsider"
    assert told() == {"groups": [{"id": made["id"], "name": "staff", "people": 2}]}
    assert told("staff", "--delete", "--dry-run")["people"] == 2
    assert told("staff", "--delete") == {"dry_run": False, "deleted": "staff", "people": 2}
    assert not Group.objects.exists()
    by = AccountEvent.objects.filter(kind="group.deleted").values_list("detail__by", "detail__run_by")
    assert [(name, "@" in str(run_by)) for name, run_by in by] == [("groups", True)]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["nothing"], WRONG_USE),
        (["staff", "--add", "nobody"], WRONG_USE),
        (["x" * 101, "--make"], WRONG_USE),
        (["a\0b", "--make"], WRONG_USE),
        (["--make"], WRONG_USE),
        (["staff", "--add", "member", "--remove", "outsider"], NO),
    ],
)
def test_what_cannot_be_changes_nothing(arguments: list[str], status: int) -> None:
    groups.make("staff", Whoever(name="a test"))
    with pytest.raises(Refused) as refused:
        told(*arguments)
    assert refused.value.returncode == status
    assert groups.group_names(User.objects.get(username="member").pk) == ()
    assert Group.objects.count() == 1
