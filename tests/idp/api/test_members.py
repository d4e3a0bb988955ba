"""Members of a project by the API."""

from __future__ import annotations

import pytest

from projects.events import SecurityEvent
from projects.models import Member
from tests.idp.api.caller import path, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def at(*username: str) -> str:
    return path("projects", "acme", "members", *username)


def test_an_owner_says_who_the_members_are() -> None:
    owner = person("owner")
    assert owner.get(at()).json()["items"] == [
        {"username": "owner", "role": "owner"},
        {"username": "member", "role": "editor"},
    ]
    assert owner.put(at("outsider"), {"role": "viewer"}, If_None_Match="*").status_code == 201
    assert owner.put(at("outsider"), {"role": "editor"}).json() == {"username": "outsider", "role": "editor"}
    assert person("outsider").get(path("projects", "acme")).status_code == 200
    assert owner.delete(at("outsider")).status_code == 204
    assert owner.get(at("outsider")).status_code == owner.delete(at("outsider")).status_code == 404
    kinds = SecurityEvent.objects.filter(kind__startswith="member.").values_list("kind", flat=True)
    assert {"member.added", "member.changed", "member.removed"} <= set(kinds)


def test_an_editor_does_not() -> None:
    member = person("member")
    assert member.get(at("owner")).status_code == 200
    for method, name in (("PUT", "outsider"), ("PUT", "member"), ("DELETE", "owner")):
        assert member.ask(method, at(name), {"role": "owner"}).status_code == 403
    assert Member.objects.get(user__username="member").role == "editor"


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("nobody", {"role": "viewer"}, "/username"),
        ("outsider", {"role": "king"}, "/role"),
        ("outsider", {}, "/role"),
        ("outsider", {"role": "viewer", "username": "owner"}, "/username"),
        ("outsider", {"role": "viewer", "else": 1}, "/else"),
    ],
)
def test_a_wrong_wish_adds_nobody(name: str, body: dict[str, object], pointer: str) -> None:
    refused = person("owner").put(at(name), body)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])
    assert Member.objects.filter(project__key="acme").count() == 2
