"""Chosen secrets may be guessable, so their digests are slow; whoever knows one pays for that once per process."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password

from clients import secrets
from clients.models import Client, ClientSecret
from provider.client_authentication import authenticate
from provider.protocol.request import Params
from tests.world import basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
CHOSEN = "s3cret of a person"


@pytest.fixture
def checked(monkeypatch: Any) -> list[str]:
    """The secrets that were compared the slow way."""
    seen: list[str] = []

    def check(secret: str, digest: str, **more: Any) -> bool:
        seen.append(secret)
        return check_password(secret, digest, **more)

    monkeypatch.setattr(secrets, "check_password", check)
    monkeypatch.setattr(secrets, "_proved", {})
    return seen


def adopted(secret: str = CHOSEN) -> str:
    client = Client.objects.get(client_id="web")
    client.secrets.all().delete()
    secrets.adopt(client, secret)
    return ClientSecret.objects.get(client=client).digest


def test_the_right_secret_is_compared_slowly_once(checked: list[str]) -> None:
    digest = adopted()
    assert [secrets.matches(CHOSEN, digest) for _ in range(3)] == [True] * 3
    assert checked == [CHOSEN]


def test_a_wrong_secret_is_compared_slowly_each_time(checked: list[str]) -> None:
    digest = adopted()
    for secret in ("wrong", CHOSEN, "wrong", CHOSEN + " ", "wrong"):
        assert secrets.matches(secret, digest) is (secret == CHOSEN)
    assert checked == ["wrong", CHOSEN, "wrong", CHOSEN + " ", "wrong"]


def test_what_is_remembered_is_of_one_digest(checked: list[str]) -> None:
    before = adopted()
    assert secrets.matches(CHOSEN, before)
    after = adopted("another one")
    assert not secrets.matches(CHOSEN, after)
    assert secrets.matches("another one", after)
    assert checked == [CHOSEN, CHOSEN, "another one"]


def test_what_is_remembered_is_useless_elsewhere(checked: list[str]) -> None:
    digest = adopted()
    secrets.matches(CHOSEN, digest)
    [kept] = secrets._proved.values()
    assert CHOSEN.encode() not in kept
    assert kept != hmac.digest(b"", CHOSEN.encode(), "sha256"), "there is a key, and it is this process's"
    assert len(secrets._KEY) == 32


def test_what_is_remembered_is_bounded(checked: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(secrets, "MAX_PROVED", 2)
    digests = [adopted(f"secret {number}") for number in range(4)]
    for number, digest in enumerate(digests):
        assert secrets.matches(f"secret {number}", digest)
        assert len(secrets._proved) <= 2


def test_a_generated_secret_that_fits_spares_comparing_the_chosen_one(checked: list[str]) -> None:
    adopted()
    made = secrets.generate(Client.objects.get(client_id="web"))
    assert authenticate(Params(), basic("web", made), "192.0.2.1").client_id == "web"
    assert checked == []
    assert authenticate(Params(), basic("web", CHOSEN), "192.0.2.1").client_id == "web"
    assert checked == [CHOSEN]
