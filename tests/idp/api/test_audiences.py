"""The allowlist of a client by the API, entry by entry."""

from __future__ import annotations

import pytest

from tests.idp.api.caller import path, person
from tests.world import BILLING, FOREIGN, ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]


def at(*audience: str) -> str:
    return path("projects", "acme", "clients", "sibling", "audiences", *audience)


def test_audiences_come_and_go_one_by_one() -> None:
    owner = person("owner")
    assert owner.get(at()).json() == {"items": [], "next_cursor": None}
    made = owner.put(at(ORDERS), {"default": True}, If_None_Match="*")
    assert (made.status_code, made.json()) == (201, {"value": ORDERS, "mode": "prefix", "default": True})
    assert owner.put(at(BILLING), {"mode": "exact"}).status_code == 201
    again = owner.put(at(ORDERS), {"value": ORDERS, "mode": "prefix"})
    assert (again.status_code, again.json()["default"]) == (200, False)
    assert [one["value"] for one in owner.get(at()).json()["items"]] == [ORDERS, BILLING]
    assert [owner.delete(at(ORDERS)).status_code for _ in range(2)] == [204, 404]
    assert [one["value"] for one in owner.get(at()).json()["items"]] == [BILLING]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("audience", "body", "pointer"),
    [
        (FOREIGN, {}, "/value"),
        ("https://api.acme.example/../x", {}, "/value"),
        (ORDERS, {"mode": "fuzzy"}, "/mode"),
        (ORDERS, {"value": BILLING}, "/value"),
        (ORDERS, {"else": 1}, "/else"),
    ],
)
def test_a_wrong_entry_is_told_apart(audience: str, body: dict[str, object], pointer: str) -> None:
    refused = person("owner").put(at(audience), body)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])
