"""Signing keys by the API: each step of their life."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from clients.models import SigningKey
from projects.events import SecurityEvent
from provider.keys import needed
from tests.idp.api.caller import Api, machine, path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
KEYS = path("keys")


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
