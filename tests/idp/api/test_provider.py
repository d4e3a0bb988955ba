"""What is the provider's: signing keys, initial access tokens, guests, blocked hosts, and what was refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from clients import guests
from clients.models import BlockedHost, Client, InitialAccessToken, KeptAnswer, LogoutNotice, RefusedRequest, SigningKey
from projects.events import SecurityEvent
from projects.guests import place_of
from provider.keys import needed
from tests.guests import AGENT_CB, make_guest
from tests.idp.api.caller import Api, machine, path, person
from tests.idp.api.test_people import items
from tests.provider.registering import Registrar
from tests.world import BILLING, ORDERS, App

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
TOKENS = path("projects", "acme", "initial-access-tokens")
KEYS = path("keys")


@pytest.fixture
def everything(world: None) -> Api:
    return machine(administers=("*",))


def kinds(*beginning: str) -> list[str]:
    return [
        one for one in SecurityEvent.objects.order_by("pk").values_list("kind", flat=True) if one.startswith(beginning)
    ]


# --- Signing keys --------------------------------------------------------------------------------------------------


def key_of(algorithm: str, state: str) -> SigningKey:
    return SigningKey.objects.get(algorithm=algorithm, state=state)


def test_a_key_is_made_lets_itself_be_activated_and_revoked(everything: Api) -> None:
    before, waiting = key_of("ES256", "active"), key_of("ES256", "next")
    again = everything.post(KEYS, {"algorithm": "ES256"})
    assert (again.status_code, "next key already" in again.json()["detail"]) == (409, True)
    activated = everything.post(f"{KEYS}/{waiting.kid}/activate").json()
    assert (activated["kid"], activated["state"]) == (waiting.kid, "active")
    assert everything.get(f"{KEYS}/{before.kid}").json()["state"] == "retired"
    assert everything.post(f"{KEYS}/{waiting.kid}/activate").status_code == 409
    made = everything.post(KEYS, {"algorithm": "ES256"})
    assert (made.status_code, made["Location"].endswith(made.json()["kid"])) == (201, True)
    assert "private" not in made.content.decode()
    assert everything.post(f"{KEYS}/{waiting.kid}/revoke").json()["state"] == "revoked"
    assert everything.post(f"{KEYS}/{waiting.kid}/revoke").status_code == 409
    assert key_of("ES256", "active").kid == made.json()["kid"], "the next one signs at once"
    assert SecurityEvent.objects.filter(kind="key.revoked", detail__by="deployer").exists()


def test_a_rotation_waits_until_apps_know_the_next_key(everything: Api) -> None:
    wanted = {"algorithm": "RS256"}
    waits = everything.post(f"{KEYS}/rotation", wanted).json()
    assert (waits["action"], waits["kid"], waits["not_before"] is None) == ("wait", key_of("RS256", "next").kid, False)
    with time_machine.travel(timezone.now() + timedelta(minutes=30)):
        api = machine("later", administers=("*",))
        assert api.post(f"{KEYS}/rotation", wanted).json()["action"] == "activate"
    assert SigningKey.objects.filter(algorithm="RS256").count() == 3


def test_no_key_signs_that_servers_may_lack(everything: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed, "next_is_under_another", lambda _algorithm: True)
    kid = key_of("RS256", "next").kid
    with time_machine.travel(timezone.now() + timedelta(minutes=30)):
        api = machine("later", administers=("*",))
        for address, body in ((f"{KEYS}/{kid}/activate", {}), (f"{KEYS}/rotation", {"algorithm": "RS256"})):
            refused = api.post(address, body)
            assert (refused.status_code, "restart every server" in refused.json()["detail"]) == (409, True)
    assert key_of("RS256", "next").kid == kid


def test_a_key_that_does_not_open_is_a_conflict_with_a_sentence(everything: Api, settings: Any) -> None:
    api = everything
    SigningKey.objects.filter(algorithm="RS256", state="next").update(private_jwk="sealed elsewhere")
    refused = api.post(f"{KEYS}/{key_of('RS256', 'next').kid}/activate")
    assert (refused.status_code, "IDP_KEY_SECRETS" in refused.json()["detail"]) == (409, True)


@pytest.mark.any_database
def test_unknown_keys_and_algorithms(everything: Api) -> None:
    for address in (f"{KEYS}/nothing", f"{KEYS}/nothing/activate", f"{KEYS}/nothing/revoke"):
        method = "GET" if address.endswith("nothing") else "POST"
        assert everything.ask(method, address, {} if method == "POST" else None).status_code == 404
    for address in (KEYS, f"{KEYS}/rotation"):
        refused = everything.post(address, {"algorithm": "none"})
        assert [one["pointer"] for one in refused.json()["errors"]] == ["/algorithm"]


# --- Initial access tokens -----------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_apps_register_with_it_until_it_is_revoked() -> None:
    owner = person("owner")
    wanted = {"label": "partners", "scope": "openid orders.read", "audience": [ORDERS], "most": 2, "days": 7}
    made = owner.post(TOKENS, wanted, Idempotency_Key="one")
    said = made.json()
    assert (made.status_code, said["most"], said["used"], said["audience"]) == (201, 2, 0, [ORDERS])
    token = said["initial_access_token"]
    app = Registrar(token).register().json()
    assert Client.objects.get(client_id=app["client_id"]).project.key == "acme"
    shown = owner.get(f"{TOKENS}/{said['id']}").json()
    assert (shown["used"], shown["clients"]) == (1, [app["client_id"]])
    again = owner.post(TOKENS, wanted, Idempotency_Key="one")
    assert (again.status_code, again["Location"]) == (409, made["Location"])
    everywhere = str(KeptAnswer.objects.values()) + str(SecurityEvent.objects.values()) + again.content.decode()
    assert token not in everywhere + owner.get(TOKENS).content.decode()
    assert [owner.delete(f"{TOKENS}/{said['id']}").status_code for _time in range(2)] == [204, 404]
    assert Registrar(token).register().status_code == 401
    assert items(owner.get(TOKENS))[0]["revoked_at"]
    assert kinds("initial_token.") == ["initial_token.made", "initial_token.revoked"]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"most": 0}, "/most"),
        ({"most": "2"}, "/most"),
        ({"days": 366}, "/days"),
        ({"days": True}, "/days"),
        ({"scope": "unknown.scope"}, "/scope"),
        ({"audience": ["https://unknown.example"]}, "/audience/0"),
        ({"label": "x" * 101}, "/label"),
        ({"token": "chosen"}, "/token"),
    ],
)
def test_what_no_token_gives_is_said_where_it_stands(said: dict[str, Any], pointer: str) -> None:
    refused = person("owner").post(TOKENS, said)
    assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, [pointer])
    assert not InitialAccessToken.objects.exists()


def test_where_nobody_registers_no_token_is_made(settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "off"
    assert person("owner").post(TOKENS).status_code == 422


# --- Guests --------------------------------------------------------------------------------------------------------


def test_a_guest_is_switched_off_for_good_and_on_again(everything: Api) -> None:
    guest = make_guest(guests.DCR)
    address = path("guests", guest.client_id)
    shown = everything.get(address)
    said = shown.json()
    assert (said["places"], said["source"], said["enabled"]) == ([place_of(AGENT_CB), "localhost"], "dcr", True)
    assert everything.patch(address, {"enabled": False}, If_Match=shown["ETag"]).json()["enabled"] is False
    guest.refresh_from_db()
    assert guest.tokens_not_before is not None
    assert everything.patch(address, {"enabled": None}).json()["enabled"] is True
    assert everything.patch(address, {"client_name": "X"}).status_code == 422
    assert kinds("client.disabled", "client.enabled") == ["client.disabled", "client.enabled"]
    assert everything.get(path("guests", "web")).status_code == 404, "a project's app is no guest"
    assert everything.patch(path("guests", "web"), {"enabled": False}).status_code == 404


def test_a_guest_whose_id_is_an_address_is_found_by_it(everything: Api) -> None:
    guest = make_guest()
    assert everything.get(path("guests", guest.client_id)).json()["client_id"] == guest.client_id
    assert [one["client_id"] for one in items(everything.get(path("guests")))] == [guest.client_id]
    assert items(person("owner").get(path("projects", "acme", "guests"))) == [], "nobody allowed it anything there"


def test_a_host_is_blocked_once_and_lifted_once(everything: Api) -> None:
    address = path("blocked-hosts", "agent.example:8443")
    assert [everything.ask("PUT", address).status_code for _time in range(2)] == [201, 200]
    assert kinds("guest_host.") == ["guest_host.blocked"]
    assert [one["host"] for one in items(everything.get(path("blocked-hosts")))] == ["agent.example:8443"]
    assert [everything.delete(address).status_code for _time in range(2)] == [204, 404]
    assert BlockedHost.objects.get().lifted_at is not None
    assert everything.ask("PUT", address).status_code == 201
    refused = everything.ask("PUT", path("blocked-hosts", "https://agent.example/"))
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/host"]


# --- What was refused, and told -------------------------------------------------------------------------------------


def test_members_read_what_was_refused_to_their_clients_and_not_from_where(everything: Api) -> None:
    App("web").exchange("unknown")
    App("stranger").exchange("unknown")
    owner = person("owner")
    [seen] = items(owner.get(path("projects", "acme", "refused-requests")))
    assert (seen["client_id"], seen["endpoint"], seen["error"], seen["count"]) == ("web", "token", "invalid_grant", 1)
    assert "network" not in seen
    assert items(owner.get(path("projects", "acme", "refused-requests") + "?client_id=stranger")) == []
    rows = items(everything.get(path("refused-requests") + "?client_id=stranger"))
    assert [(one["client_id"], one["network"]) for one in rows] == [("stranger", "127.0.0.1")]
    assert RefusedRequest.objects.count() == 2


def test_which_apps_were_told_of_an_end(everything: Api) -> None:
    for client_id in ("web", "stranger"):
        LogoutNotice.objects.create(sid=uuid4(), sub="x", client=Client.objects.get(client_id=client_id))
    LogoutNotice.objects.create(sid=uuid4(), sub="x", client=None, state="dropped")
    own = items(person("owner").get(path("projects", "acme", "logout-notices")))
    assert [(one["client_id"], one["state"]) for one in own] == [("web", "due")]
    rows = items(everything.get(path("logout-notices")))
    assert [(one["client_id"], one["next_attempt_at"] is None) for one in rows] == [
        ("web", False),
        ("stranger", False),
        (None, True),
    ]


# --- Explanations ---------------------------------------------------------------------------------------------------


def test_an_audience_is_explained_as_in_the_console() -> None:
    address = path("projects", "acme", "clients", "web", "explanation")
    owner = person("owner")
    good = owner.get(f"{address}?audience={ORDERS}").json()
    assert (good["allowed"], good["values"][0]["api"]["project"], good["user"]) == (True, "acme", None)
    both = owner.get(f"{address}?audience={ORDERS} {BILLING}&scope=openid").json()
    assert [one["asked"] for one in both["values"]] == [ORDERS, BILLING]
    assert owner.get(address).json()["audience"] == ""
    assert owner.get(f"{address}?audience=%00").status_code == 400


def test_an_explanation_tells_nothing_of_other_projects() -> None:
    address = path("projects", "acme", "clients", "web", "explanation")
    for api in (person("owner"), machine("deployer-of-acme", administers=("acme",))):
        told = [
            api.get(f"{address}?audience={audience}").content.decode().replace(audience, "X")
            for audience in ("https://api.other.example/reports", "https://api.other.example/nothing")
        ]
        assert told[0] == told[1]
