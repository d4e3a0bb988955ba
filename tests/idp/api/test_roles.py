"""Roles of a project, who has them, and its claim table by the API."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import groups
from projects.models import RoleGrant
from tests.idp.api.caller import OPERATOR, path, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def at(*steps: str, project: str = "acme") -> str:
    return path("projects", project, "roles", *steps)


def test_an_editor_makes_grants_renames_and_deletes_a_role() -> None:
    groups.make("Choir / Berlin", OPERATOR)
    editor = person("member")
    made = editor.put(at("staff"), {"description": "Works here", "users": ["owner"]}, If_None_Match="*")
    assert (made.status_code, made["Location"]) == (201, f"http://localhost:8000{at('staff')}")
    whole = {"name": "staff", "description": "Works here", "users": ["owner"], "groups": []}
    assert made.json() == editor.get(at("Staff")).json() == whole
    assert editor.put(at("staff"), whole, If_Match=made["ETag"]).json() == whole
    assert editor.ask("PUT", at("staff", "users", "outsider")).status_code == 204
    assert editor.ask("PUT", at("staff", "groups", "choir / berlin")).status_code == 204
    assert editor.get(at()).json()["items"] == [{**whole, "users": ["outsider", "owner"], "groups": ["Choir / Berlin"]}]
    assert editor.delete(at("staff", "users", "owner")).status_code == 204
    assert editor.delete(at("staff", "groups", "Choir / Berlin")).status_code == 204
    assert editor.patch(at("staff"), {"name": "Staff", "description": None}).json() == {
        "name": "Staff",
        "description": "",
        "users": ["outsider"],
        "groups": [],
    }
    assert editor.patch(at("staff"), {"users": []}).json()["users"] == []
    assert editor.put(at("staff"), {"users": ["owner"]}).json()["description"] == ""
    assert editor.delete(at("staff") + "?dry_run=true").json() == {"deletes": {"holders of roles": 1}, "obstacles": []}
    assert editor.delete(at("staff")).status_code == 200
    assert editor.get(at("staff")).status_code == editor.delete(at("staff")).status_code == 404
    assert not RoleGrant.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("steps", "body", "pointers"),
    [
        (["staff"], {"users": ["nobody"]}, ["/users/0"]),
        (["staff"], {"groups": ["nobody"]}, ["/groups/0"]),
        (["staff"], {"name": "other"}, ["/name"]),
        (["staff"], {"users": "owner"}, ["/users"]),
        (["a" * 65], {}, ["/name"]),
        (["staff"], {"people": []}, ["/people"]),
    ],
)
def test_a_wrong_wish_makes_no_role(steps: list[str], body: dict[str, Any], pointers: list[str]) -> None:
    refused = person("owner").put(at(*steps), body)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, pointers)
    assert person("owner").get(at()).json()["items"] == []


@pytest.mark.parametrize("steps", [["\0"], ["nothing"], ["nothing", "users", "owner"], ["staff", "groups", "nobody\0"]])
def test_what_is_not_there_is_not_found_or_refused(steps: list[str]) -> None:
    owner = person("owner")
    owner.put(at("staff"), {})
    assert owner.delete(at(*steps)).status_code in (404, 422)
    assert owner.put(at("staff", project="other"), {}).status_code == 404


TABLE = {
    "groups": {"source": "groups", "prefix": "acme-", "rename": {"acme-admins": "admin"}},
    "https://acme.example/claims/nick": {"source": "attribute", "attribute": "nickname", "told_in": ["userinfo"]},
}


def test_an_owner_changes_the_claim_table_and_an_editor_does_not() -> None:
    owner, project = person("owner"), path("projects", "acme")
    shown = owner.patch(project, {"claims": TABLE}).json()["claims"]
    assert shown == owner.get(project).json()["claims"]
    assert shown["groups"]["told_in"] == ["id_token", "userinfo"]
    assert shown["groups"]["rename"] == {"acme-admins": "admin"}
    assert owner.put(project, owner.get(project).json()).json()["claims"] == shown
    assert sorted(owner.patch(project, {"claims": {"groups": None}}).json()["claims"]) == [*TABLE][1:]
    refused = person("member").patch(project, {"claims": {"roles": {"source": "roles"}}})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/claims")


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("claims", "pointer"),
    [
        ({"sub": {"source": "roles"}}, "/claims/sub"),
        ({"team": {"source": "people"}}, "/claims/team/source"),
        ({"team": {}}, "/claims/team/source"),
        ({"team": {"source": "attribute", "attribute": "nothing"}}, "/claims/team/attribute"),
        ({"a/b": {"source": "roles", "told_in": ["cookie"]}}, "/claims/a~1b/told_in"),
        ({"team": {"source": "roles", "rename": {"a": 1}}}, "/claims/team/rename/a"),
        ({"team": {"source": "roles", "secret": 1}}, "/claims/team/secret"),
        ({"team": "roles"}, "/claims/team"),
        (["team"], "/claims"),
    ],
)
def test_problems_of_the_table_stand_where_the_value_does(claims: Any, pointer: str) -> None:
    refused = person("owner").patch(path("projects", "acme"), {"claims": claims})
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])
