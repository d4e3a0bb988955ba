"""A file of many clients takes as many statements as one of a few: what it locks, it locks for a moment."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients.models import Client
from idp.configuration import apply

pytestmark = pytest.mark.django_db

FEW, MANY = 5, 15  # more new rows than SQLite takes at once are another statement
MOST_OF_A_CHANGE = 6  # statements: a savepoint and its end, the rules of the row, the row, its event, and one to spare


def file_of(number: int, **more: Any) -> dict[str, Any]:
    api = "https://api.acme.example/orders"
    clients = [
        {
            "client_id": f"app-{index}",
            "client_secret": f"chosen secret {index}",
            "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": [f"https://app-{index}.acme.example/cb"],
            "scope": "openid orders.read",
            "audience": [api],
            **more,
        }
        for index in range(number)
    ]
    apis = [{"identifier": api, "name": "Orders", "scopes": {"orders.read": "See your orders"}}]
    return {"version": 1, "projects": [{"id": "acme", "name": "Acme", "apis": apis, "clients": clients}]}


def statements(source: dict[str, Any], *, dry_run: bool = False) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        apply(source, dry_run=dry_run)
    return len(captured)


def test_new_clients_are_made_all_at_once() -> None:
    few = statements(file_of(FEW), dry_run=True)
    assert statements(file_of(MANY), dry_run=True) == few


@pytest.mark.parametrize("look_only", [True, False])
def test_clients_that_are_as_the_file_says_cost_nothing(look_only: bool) -> None:
    apply(file_of(MANY))
    few = statements(file_of(FEW), dry_run=look_only)
    assert statements(file_of(MANY), dry_run=look_only) == few


def test_a_changed_client_costs_a_few() -> None:
    apply(file_of(MANY))
    few = statements(file_of(FEW, access_token_lifetime=600), dry_run=True)
    many = statements(file_of(MANY, access_token_lifetime=600), dry_run=True)
    assert (many - few) / (MANY - FEW) <= MOST_OF_A_CHANGE


def test_what_is_made_at_once_is_what_is_made_one_by_one() -> None:
    apply(file_of(FEW))
    for index in range(FEW):
        client = Client.objects.get(client_id=f"app-{index}")
        assert client.redirect_uri_list == [f"https://app-{index}.acme.example/cb"]
        assert [row.value for row in client.audience_entries.all()] == ["https://api.acme.example/orders"]
        assert [row.label for row in client.secrets.all()] == ["configuration file"]
