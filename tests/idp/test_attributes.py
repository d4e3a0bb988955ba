"""`manage.py attributes`: what is known of people here, and changes of that."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts import attributes
from accounts.attributes import Editor
from accounts.events import Whoever
from accounts.models import AccountEvent, Attribute, User
from common.command import WRONG_USE, Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def told(*arguments: str) -> Any:
    out = StringIO()
    call_command("attributes", *arguments, "--format", "json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def has(value: Any) -> None:
    owner = User.objects.get(username="owner")
    changes, troubles = attributes.read({"team": value}, Editor.IMPORT)
    assert troubles == []
    attributes.change(owner, changes, Whoever(name="a test"))


def test_an_attribute_is_added_changed_shown_and_deleted_with_its_values() -> None:
    made = told("team", "--make", "--type", "list", "--label", "Team", "--editable-by", "administrator")
    assert made["attribute"]["type"] == "list"
    assert told("team", "--make", "--type", "list")["changed"] == [], "what is not said stays"
    assert told("team", "--editable-by", "import")["changed"] == ["editable_by"]
    found = {one["name"]: one for one in told()["attributes"]}
    assert found["team"] == {
        "name": "team",
        "type": "list",
        "label": "Team",
        "editable_by": "import",
        "position": 0,
        "standard": False,
    }
    assert found["birthdate"]["standard"]
    has(["red"])
    assert (told("team", "--type", "text", "--dry-run")["people"], Attribute.objects.get().type) == (1, "list")
    assert told("team", "--type", "text")["people"] == 1
    has("red")
    assert told("team", "--delete", "--dry-run")["people"] == 1
    assert told("team", "--delete")["people"] == 1
    assert not Attribute.objects.exists()
    assert "team" not in User.objects.get(username="owner").attributes
    events = AccountEvent.objects.filter(kind__startswith="attribute.").order_by("pk")
    assert {one.detail["by"] for one in events} == {"attributes"}
    assert [one.kind.partition(".")[2] for one in events] == ["created", "changed", "changed", "deleted"]


def test_of_a_standard_claim_it_is_said_who_edits_it() -> None:
    assert told("birthdate", "--editable-by", "import")["changed"] == ["editable_by"]
    assert told("birthdate", "--delete")["changed"] == ["deleted"]
    assert attributes.schema()["birthdate"].editable_by == Editor.PERSON


@pytest.mark.any_database
@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["nothing", "--delete"],
        ["email", "--make", "--type", "text"],
        ["birthdate", "--type", "text"],
        ["a b", "--make", "--type", "text"],
        ["a\0b", "--make"],
        ["team", "--make", "--position", "-1"],
        ["--make"],
    ],
)
def test_what_cannot_be_changes_nothing(arguments: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        told(*arguments)
    assert refused.value.returncode == WRONG_USE
    assert not Attribute.objects.exists()
