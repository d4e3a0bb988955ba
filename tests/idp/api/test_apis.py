"""APIs and their scopes by the API."""

from __future__ import annotations

import pytest

from projects.events import SecurityEvent
from projects.models import Api
from tests.idp.api.caller import path, person
from tests.world import BILLING, FOREIGN, ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
NEW = "https://api.acme.example/new"


def at(identifier: str, project: str = "acme") -> str:
    return path("projects", project, "apis", identifier)


def test_an_api_is_created_replaced_patched_and_deleted() -> None:
    owner = person("owner")
    made = owner.put(at(NEW), {"name": "New", "scopes": {"new.read": "See what is new"}}, If_None_Match="*")
    assert (made.status_code, made["Location"]) == (201, f"http://localhost:8000{at(NEW)}")
    whole = made.json()
    assert whole["scopes"]["new.read"]["description"] == "See what is new"
    assert owner.put(at(NEW), whole, If_Match=made["ETag"]).json() == whole
    more = owner.patch(at(NEW), {"scopes": {"new.write": "Change what is new"}}).json()
    assert sorted(more["scopes"]) == ["new.read", "new.write"]
    less = owner.patch(at(NEW), {"scopes": {"new.read": None}}).json()
    assert sorted(less["scopes"]) == ["new.write"]
    assert owner.put(at(NEW), {"name": "New"}).json()["scopes"] == {}
    assert owner.delete(at(NEW)).json() == {"deletes": {}, "obstacles": []}
    assert owner.get(at(NEW)).status_code == 404
    assert SecurityEvent.objects.get(kind="api.created").detail["through"] == "tool"


@pytest.mark.any_database
@pytest.mark.parametrize("spelled", [ORDERS.replace("api.acme", "API.acme"), ORDERS.replace("https://", "https:/")])
def test_another_spelling_of_an_address_finds_the_same(spelled: str) -> None:
    """Proxies make one slash of two in a path."""
    owner = person("owner")
    assert owner.get(at(spelled)).json() == owner.get(at(ORDERS)).json()
    assert owner.put(at(spelled), owner.get(at(ORDERS)).json()).status_code == 200


def test_apis_of_other_projects_are_not_there() -> None:
    owner = person("owner")
    answers = [owner.get(at(one)) for one in (FOREIGN, "https://api.other.example/nothing", "nonsense", "a\0b")]
    answers += [owner.get(at(FOREIGN, key)) for key in ("other", "nothing")]
    assert {(one.status_code, one.content) for one in answers} == {(404, answers[0].content)}
    taken = owner.put(at(FOREIGN), {"name": "Mine"})
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (422, "/identifier")


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "x", "scopes": {"a/b c": "x"}}, "/scopes/a~1b c"),
        ({"name": "x", "scopes": {"admin.read": "x"}}, "/scopes/admin.read"),
        ({"name": "x", "shared": ["other"]}, "/shared/0"),
        ({"name": "x", "shared": ["nothing"]}, "/shared/0"),
        ({"name": "x", "identifier": BILLING}, "/identifier"),
        ({"name": "x", "token_format": "paper"}, "/token_format"),
        ({}, "/name"),
    ],
)
def test_a_problem_stands_where_its_value_does(body: dict[str, object], pointer: str) -> None:
    refused = person("owner").put(at(NEW), body)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])


def test_an_api_that_a_client_lists_is_not_deleted() -> None:
    refused = person("owner").delete(at(ORDERS))
    assert refused.status_code == 409
    assert "is an audience of the client web" in refused.json()["errors"][0]["detail"]
    assert Api.objects.filter(identifier=ORDERS).exists()
