"""Clients by the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clients import registration
from clients.metadata import ClientMetadata
from clients.models import Client
from projects.events import SecurityEvent
from projects.models import Member, Project
from tests.idp.api.caller import OPERATOR, machine, path, person
from tests.world import ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
CLIENTS = path("projects", "acme", "clients")
WEB = path("projects", "acme", "clients", "web")
NEW: dict[str, Any] = {
    "client_name": "New",
    "grant_types": ["authorization_code", "refresh_token"],
    "redirect_uris": ["https://new.example/cb"],
    "scope": "openid orders.read",
    "audience": [ORDERS],
}


def test_a_client_is_created_replaced_patched_and_deleted() -> None:
    owner, new = person("owner"), path("projects", "acme", "clients", "new")
    made = owner.put(new, NEW, If_None_Match="*")
    assert (made.status_code, made["Location"]) == (201, f"http://localhost:8000{new}")
    whole = made.json()
    assert (whole["client_id"], whole["access_token_lifetime"]) == ("new", 3600)
    assert whole["audience"] == [{"value": ORDERS, "mode": "prefix", "default": False}]
    for body in (NEW, whole):
        again = owner.put(new, body, If_Match=made["ETag"])
        assert (again.status_code, again.json()) == (200, whole)
    assert not SecurityEvent.objects.filter(kind="client.changed").exists()
    assert owner.patch(new, {"client_name": "Newer", "scope": None}).json() == {
        **whole,
        "client_name": "Newer",
        "scope": "",
    }
    assert owner.put(new, {**NEW, "client_name": "Newest"}).json() == {**whole, "client_name": "Newest"}
    gone = owner.delete(new)
    assert gone.json() == {"deletes": {"audiences": 1}, "obstacles": []}
    assert owner.get(new).status_code == 404
    buried = owner.put(new, NEW)
    assert [one["pointer"] for one in buried.json()["errors"]] == ["/client_id"]
    kinds = ["client.created", "client.changed", "client.deleted"]
    assert {one.detail["through"] for one in SecurityEvent.objects.filter(kind__in=kinds, client_id="new")} == {"tool"}


def test_a_replacement_names_everything_but_moments_and_secrets() -> None:
    owner = person("owner")
    moment = "2026-01-01T00:00:00Z"
    assert owner.patch(WEB, {"tokens_not_before": moment}).status_code == 200
    replaced = owner.put(WEB, NEW).json()
    assert (replaced["client_id"], replaced["tokens_not_before"]) == ("web", moment)
    assert Client.objects.get(client_id="web").secrets.filter(slot=1).exists()


def test_the_server_chooses_an_id_once_for_each_key() -> None:
    owner = person("owner")
    made = [owner.post(CLIENTS, NEW, Idempotency_Key=key) for key in ("one", "one", "two")]
    assert [one.status_code for one in made] == [201, 201, 201]
    assert made[0].content == made[1].content != made[2].content
    assert made[1]["Location"] == made[0]["Location"]
    assert made[1]["Idempotent-Replayed"] == "true"
    other = owner.post(CLIENTS, {**NEW, "client_name": "Other"}, Idempotency_Key="one")
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "key_reused")
    assert person("member").post(CLIENTS, NEW, Idempotency_Key="one").json()["client_id"] != made[0].json()["client_id"]
    refused = owner.post(CLIENTS, {**NEW, "scope": "missing"}, Idempotency_Key="three")
    assert (refused.status_code, owner.post(CLIENTS, NEW, Idempotency_Key="three").status_code) == (422, 201)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("", 404)])
def test_whose_role_is_gone_hears_no_kept_answer(role: str, status: int) -> None:
    owner, secrets = person("owner"), path("projects", "acme", "clients", "service", "secrets")
    for address, body in ((CLIENTS, NEW), (secrets, {"label": "x"})):
        assert owner.post(address, body, Idempotency_Key="one").status_code == 201
    if role:
        Member.objects.filter(user__username="owner").update(role=role)
    else:
        Member.objects.filter(user__username="owner").delete()
    for address, body in ((CLIENTS, NEW), (secrets, {"label": "x"})):
        again = owner.post(address, body, Idempotency_Key="one")
        assert (again.status_code, "Location" in again) == (status, False)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("said", "pointers"),
    [
        ({"redirect_uris": ["https://new.example/cb", "http://evil.example/cb"]}, ["/redirect_uris/1"]),
        ({"scope": "openid missing"}, ["/scope"]),
        ({"audience": [ORDERS, {"value": "https://api.other.example/reports"}]}, ["/audience/1/value"]),
        ({"audience": [{"value": 7}]}, ["/audience/0/value"]),
        ({"introspects": ["stranger"], "introspection": "listed"}, ["/introspects/0"]),
        ({"introspects": ["nobody"], "introspection": "listed"}, ["/introspects/0"]),
        ({"access_token_lifetime": "x"}, ["/access_token_lifetime"]),
        ({"access_token_lifetime": 10**12}, ["/access_token_lifetime"]),
        ({"client_id": "another"}, ["/client_id"]),
        ({"client_secret": "chosen"}, ["/client_secret"]),
        ({"administers": ["house"]}, ["/administers/0"]),
        ({"grant_types": "authorization_code"}, ["/grant_types"]),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, ["/jwks/keys/0/k"]),
    ],
)
def test_a_problem_stands_where_its_value_does(said: dict[str, Any], pointers: list[str]) -> None:
    refused = person("owner").put(path("projects", "acme", "clients", "new"), {**NEW, **said})
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == pointers
    assert not Client.objects.filter(client_id="new").exists()


def test_whose_another_id_is_is_not_told() -> None:
    owner = person("owner")
    ids = ("stranger", "nobody", "x" * 3000, "a\0b")
    answers = [owner.get(path("projects", "acme", "clients", one)) for one in ids]
    assert {(one.status_code, one.content) for one in answers} == {(404, answers[0].content)}
    elsewhere = [owner.get(path("projects", one, "clients", "stranger")) for one in ("other", "nothing")]
    assert {(one.status_code, one.content) for one in elsewhere} == {(404, answers[0].content)}
    assert owner.put(path("projects", "other", "clients", "stranger"), NEW).content == answers[0].content


def test_what_is_unknown_costs_what_is_somebody_elses() -> None:
    """In statements: nobody reads off the time which of them exists."""
    member = person("member")

    def statements(address: str, method: str = "GET") -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            member.ask(method, address, NEW if method == "PUT" else None)
        return [re.sub(r"_x[0-9]+", "", one["sql"].partition("WHERE")[0]) for one in asked.captured_queries]

    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert statements(path("projects", "other"), method) == statements(path("projects", "nothing"), method)
    for method in ("GET", "PATCH", "DELETE"):
        for suffix in ((), ("secrets",), ("keys",)):
            unknown = statements(path("projects", "acme", "clients", "nobody", *suffix), method)
            assert statements(path("projects", "acme", "clients", "stranger", *suffix), method) == unknown


def test_a_page_costs_as_much_with_many_rows() -> None:
    owner, acme = person("owner"), Project.objects.get(key="acme")

    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert owner.get(address).status_code == 200
        return len(asked)

    addresses = (CLIENTS, path("projects"), path("projects", "acme", "apis"), path("projects", "acme", "members"))
    few = [cost(address + "?limit=1") for address in addresses]
    registration.register_all([ClientMetadata(client_id=f"c{number}") for number in range(20)], acme, OPERATOR)
    cost(CLIENTS)  # what a process remembers is read anew after a change
    assert [cost(address) for address in addresses] == few


def test_a_client_with_slashes_in_its_id_has_an_address() -> None:
    owner, odd = person("owner"), "shop/web?x=1"
    address = path("projects", "acme", "clients", odd)
    assert owner.put(address, NEW).status_code == 201
    assert owner.get(address).json()["client_id"] == odd
    assert owner.get(f"{address}/secrets").json() == {"items": [], "next_cursor": None}


def test_viewers_look_only() -> None:
    Project.objects.get(key="acme").members.filter(user__username="member").update(role="viewer")
    viewer = person("member")
    assert viewer.get(WEB).json()["client_id"] == "web"
    for method, address in (("PUT", WEB), ("PATCH", WEB), ("DELETE", WEB), ("POST", CLIENTS)):
        refused = viewer.ask(method, address, NEW)
        assert (refused.status_code, refused.json()["detail"]) == (403, "Your role in this project lets you look only.")


def test_what_stands_in_the_way_of_a_deletion_is_named() -> None:
    owner, sibling = person("owner"), path("projects", "acme", "clients", "sibling")
    asked = owner.delete(sibling + "?dry_run=true").json()
    assert [sentence for sentence in asked["obstacles"] if "picky lists it as the only allowed caller" in sentence]
    refused = owner.delete(sibling)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "obstacle")
    assert refused.json()["errors"][0]["detail"] == asked["obstacles"][0]


def test_what_a_superuser_switched_off_stays_off() -> None:
    root, owner = machine("root-machine", administers=("*",)), person("owner")
    assert root.patch(WEB, {"enabled": False}).json()["held"] is True
    for refused in (owner.patch(WEB, {"enabled": True}), owner.put(WEB, NEW)):
        assert [one["pointer"] for one in refused.json()["errors"]] == ["/enabled"]
    assert owner.patch(WEB, {"client_name": "Off"}).json()["enabled"] is False
