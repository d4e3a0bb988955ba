"""`manage.py person`: what is known of somebody, and changes of it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts import attribute_schema, groups
from accounts.attributes import Definition
from accounts.events import Whoever
from accounts.models import AccountEvent, EditableBy, User
from common.command import WRONG_USE, Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
BY = Whoever(name="a test")


def told(*arguments: str) -> Any:
    out = StringIO()
    call_command("person", *arguments, "--format", "json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_what_is_known_of_somebody_is_shown_and_changed() -> None:
    attribute_schema.define(Definition("tags", "list", "Tags", EditableBy.IMPORT), BY)
    owner = User.objects.get(username="owner")
    groups.set_members(groups.make("staff", BY), [owner], "", BY)
    said = ("--set", "tags=b; a", "--set", "phone_number=", "--set", "given_name=Olivia")
    assert told("owner", *said, "--dry-run")["changed"] == ["given_name", "phone_number", "tags"]
    assert told("owner", *said) == {
        "dry_run": False,
        "sub": owner.sub,
        "changed": ["given_name", "phone_number", "tags"],
    }
    shown = told("Owner@people.example")
    assert shown["attributes"] == {
        "given_name": "Olivia",
        "family_name": "Owner",
        "address": {"formatted": "1 Main St"},
        "tags": ["b", "a"],
    }
    assert shown["groups"] == ["staff"]
    assert AccountEvent.objects.get(kind="profile.changed", sub=owner.sub).detail["by"] == "person"


@pytest.mark.any_database
@pytest.mark.parametrize(
    "arguments",
    [["nobody"], ["owner", "--set", "nickname"], ["owner", "--set", "zoneinfo=Nowhere"], ["owner", "--set", "shoes=5"]],
)
def test_what_cannot_be_changes_nothing(arguments: list[str]) -> None:
    before = User.objects.get(username="owner").attributes
    with pytest.raises(Refused) as refused:
        told(*arguments, "--set", "nickname=Ollie") if len(arguments) > 1 else told(*arguments)
    assert refused.value.returncode == WRONG_USE
    assert User.objects.get(username="owner").attributes == before
