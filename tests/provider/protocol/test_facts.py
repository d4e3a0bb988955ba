"""What a step may know of APIs and clients."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from projects.facts import ApiFacts, ProjectFacts
from provider.protocol import facts
from tests.provider.protocol.building import ACME, ORDERS, OTHER, QUEUE, api, client, registry

ROOT = api("https://api.acme.example")
ORDERS_API = api(ORDERS)


def test_facts_cannot_be_changed() -> None:
    shapes: list[Any] = [one for one in vars(facts).values() if dataclasses.is_dataclass(one) and isinstance(one, type)]
    assert len(shapes) >= 10
    assert [one.__name__ for one in shapes if not one.__dataclass_params__.frozen] == []


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (ORDERS, ORDERS_API),
        (f"{ORDERS}/7", ORDERS_API),
        ("HTTPS://API.acme.example:443/orders/", ORDERS_API),
        ("https://api.acme.example/ordersx", ROOT),
        ("https://api.acme.example", ROOT),
        ("https://else.example/orders", None),
        (QUEUE, None),
        ("web", None),
        ("https://malformed\\", None),
    ],
)
def test_an_audience_resolves_to_the_most_specific_api(value: str, found: ApiFacts | None) -> None:
    assert registry(ROOT, ORDERS_API).resolve(value) == found
    assert registry(ORDERS_API, ROOT).resolve(value) == found


def test_an_opaque_api_resolves_exactly() -> None:
    queue = api(QUEUE)
    assert registry(queue).resolve(QUEUE) == queue
    assert registry(queue).resolve(f"{QUEUE}:1") is None


@pytest.mark.parametrize(("value", "found"), [(f"{ORDERS}/", ORDERS), (f"{ORDERS}/7", None), ("a\\b", None)])
def test_the_registered_value_is_that_of_the_very_api(value: str, found: str | None) -> None:
    assert registry(ROOT, ORDERS_API).registered_value(value) == found


@pytest.mark.parametrize(
    ("one", "to", "open_to"),
    [
        (api(ORDERS), ACME, True),
        (api(ORDERS), OTHER, False),
        (api(ORDERS, shared="listed", shared_with=frozenset({OTHER.id})), OTHER, True),
        (api(ORDERS, shared="listed", shared_with=frozenset({3})), OTHER, False),
        (api(ORDERS, shared="private", shared_with=frozenset({OTHER.id})), OTHER, False),
        (api(ORDERS, shared="public"), OTHER, True),
    ],
)
def test_an_api_is_open_to_its_project_and_to_whom_it_is_shared(one: ApiFacts, to: ProjectFacts, open_to: bool) -> None:
    assert one.open_to(to) is open_to


def test_only_what_an_administrator_registered_is_a_target() -> None:
    itself = client("itself", registered_by_administrator=False)
    known = registry(clients=[client("sibling"), itself])
    assert known.target("sibling") == client("sibling")
    assert known.target("itself") is None
    assert known.target("nobody") is None


@pytest.mark.parametrize("public", [False, True])
def test_a_client_may_use_the_grants_it_registered(public: bool) -> None:
    caller = client(public=public, grant_types=frozenset({"authorization_code", "refresh_token"}))
    assert caller.may_use("authorization_code")
    assert caller.may_use("refresh_token")
    assert not caller.may_use("client_credentials")
    assert not caller.may_use("password")


def test_a_public_client_never_speaks_for_itself() -> None:
    machine = client(grant_types=frozenset({"client_credentials"}))
    assert machine.may_use("client_credentials")
    assert not dataclasses.replace(machine, public=True).may_use("client_credentials")
