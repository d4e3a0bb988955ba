"""Anybody's app registers itself as a guest, where the deployment lets it (rules R10 to R12)."""

from __future__ import annotations

from typing import Any

import pytest

from clients.models import Client, SecurityEvent
from clients.policy import metadata_of
from common.counters import Limit
from idp import checks
from provider import registration_limits
from tests.guests import open_door, open_scopes
from tests.provider.registering import CALLBACK, WEB, Registrar, initial_token, refusal
from tests.world import ORDERS, VERIFIER, App, Browser, basic, redirected

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
MCP = {  # as an agent on a person's machine asks
    "client_name": "Agent",
    "redirect_uris": ["http://127.0.0.1:3334/oauth/callback"],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "client_uri": "https://agent.example/",
    "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
    "software_version": "1.0",
    "scope": "orders.read",
}


@pytest.fixture(autouse=True)
def _for_guests(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "guests"


def test_r12_who_comes_without_a_token_is_a_guest_of_no_project() -> None:
    made = Registrar().made(MCP)
    client = Client.objects.get(client_id=made["client_id"])
    assert (client.guest, client.registration_source, metadata_of(client).audience) == (True, "dcr", ())
    assert made["application_type"] == "native"
    assert made["client_uri"] == "https://agent.example/"
    assert {"client_secret", "software_id"}.isdisjoint(made)
    event = SecurityEvent.objects.get(kind="client.created", client_id=made["client_id"])
    assert event.detail["by"] == "the app itself"


def test_r12_who_comes_with_a_token_is_of_its_project_and_a_wrong_one_is_told() -> None:
    made = Registrar(initial_token()).made(WEB)
    assert Client.objects.get(client_id=made["client_id"]).home.key == "acme"
    assert refusal(Registrar("wrong").register(MCP)) == (401, "invalid_token")


@pytest.mark.parametrize("grant", ["client_credentials", "urn:ietf:params:oauth:grant-type:device_code"])
def test_r12_a_guest_gets_no_grant_in_which_nobody_sees_where_it_comes_from(grant: str) -> None:
    made = Registrar().made({**MCP, "grant_types": ["authorization_code", grant]})
    assert made["grant_types"] == ["authorization_code"]
    asks = {**MCP, "grant_types": [grant], "response_types": []}
    assert refusal(Registrar().register(asks)) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth", "private_key_jwt"])
def test_r12_what_a_guest_cannot_prove_itself_by_is_refused(method: str) -> None:
    assert refusal(Registrar().register({**WEB, "token_endpoint_auth_method": method}))[0] == 400


def test_a_guest_with_a_secret_is_told_it_and_manages_itself() -> None:
    app = Registrar()
    made = app.made(WEB)
    assert made["client_secret"]
    assert app.look(made).json()["client_name"] == "New app"
    changed = app.change(made, {**WEB, "client_name": "Other"}).json()
    assert changed["client_name"] == "Other"
    assert app.delete(changed).status_code == 204
    assert refusal(app.look(changed)) == (401, "invalid_token")


def test_r8_a_guest_that_was_switched_off_does_not_switch_itself_on() -> None:
    app = Registrar()
    made = app.made(WEB)
    Client.objects.filter(client_id=made["client_id"]).update(enabled=False, disabled_by_superuser=True)
    assert app.change(made, {**WEB, "enabled": True}).status_code == 200
    assert not Client.objects.get(client_id=made["client_id"]).enabled


def test_an_open_door_is_told_by_the_deployment_check(settings: Any) -> None:
    assert [one.id for one in checks.anybody_may_register(None)] == ["idp.W014"]
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"
    assert checks.anybody_may_register(None) == []


def test_r12_a_guest_that_nobody_let_in_gets_no_further_than_its_registration() -> None:
    made = Registrar().made({**WEB, "scope": "openid"})
    answer = Browser("owner").authorize(made["client_id"], redirect_uri=CALLBACK)
    assert answer.status_code in (302, 400)
    assert "code=" not in answer.get("Location", "")


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_r12_a_guest_that_a_project_lets_in_gets_what_the_person_allows(method: str) -> None:
    open_door()
    open_scopes("orders.read")
    callback = "http://127.0.0.1:51004/oauth/callback"
    made = Registrar().made({**MCP, "token_endpoint_auth_method": method})
    person = Browser("owner")
    asked = {"redirect_uri": callback, "scope": "orders.read", "resource": ORDERS}
    code = redirected(person.answer(person.authorize(made["client_id"], **asked)))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": VERIFIER}
    proof = {"client_secret": made.get("client_secret"), "client_id": made["client_id"]}
    auth = basic(made["client_id"], made["client_secret"]) if method == "client_secret_basic" else None
    sent = {**form, **({} if auth else proof), "resource": ORDERS}
    answer = App(made["client_id"]).post("/oauth2/token", sent, auth=auth)
    assert answer.status_code == 200, answer.content
    assert answer.json()["scope"] == "orders.read"
    assert Registrar().delete(made).status_code == 204
    refreshed = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"], **proof}
    assert refusal(App("").post("/oauth2/token", refreshed, auth=None)) == (401, "invalid_client")


# --- How many (rule R11) ----------------------------------------------------------------------------------------------


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration_limits, "PER_NETWORK", Limit("registrations-of-network", 2, 3600))
    monkeypatch.setattr(registration_limits, "OVERALL", Limit("registrations", 3, 3600))


def status(address: str, values: Any = MCP, token: str = "") -> int:
    return Registrar(token).register(values, REMOTE_ADDR=address).status_code


@pytest.mark.usefixtures("_few")
def test_r11_a_network_has_its_share_and_the_same_app_twice_counts_twice() -> None:
    assert [status(f"192.0.2.{host}") for host in (1, 1, 2)] == [201, 201, 429]
    assert len(Client.objects.filter(name="Agent").values("client_id").distinct()) == 2
    answer = Registrar().register(MCP, REMOTE_ADDR="192.0.2.1")
    assert (answer["Retry-After"], answer["Content-Type"]) == ("600", "application/json")
    assert status("198.51.100.1") == 201, "another network"


@pytest.mark.usefixtures("_few")
def test_r11_somebody_with_many_networks_gets_no_further_than_all_may_together() -> None:
    assert [status(f"198.51.{network}.1") for network in range(4)] == [201, 201, 201, 429]
    assert status("2001:db8:5::1") == 429
    assert status("192.0.2.1", WEB, initial_token()) == 201, "whoever was given a token is not counted"


@pytest.mark.usefixtures("_few")
def test_r11_a_hosted_app_with_few_addresses_is_not_in_the_way_of_others_nor_they_in_its(settings: Any) -> None:
    settings.IDP_SHARED_NETWORKS = ["203.0.113.0/24"]
    assert [status("203.0.113.7") for _ in range(8)] == [201] * 8
    assert [status(f"198.51.{network}.1") for network in range(4)] == [201, 201, 201, 429]
    assert status("203.0.113.7") == 201


@pytest.mark.usefixtures("_few")
def test_r11_whoever_has_an_ipv6_network_has_one_share() -> None:
    assert [status(f"2001:db8:0:{network:x}::1") for network in range(3)] == [201, 201, 429]


@pytest.mark.usefixtures("_few")
def test_r11_a_change_counts_as_another_registration() -> None:
    app = Registrar()
    made = app.made(WEB)
    changed = app.change(made, {**WEB, "client_name": "Other"}).json()
    assert refusal(app.change(changed, WEB)) == (429, "temporarily_unavailable")
    assert app.look(changed).json()["client_name"] == "Other", "reading is free, and the token was not used up"
