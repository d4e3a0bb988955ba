"""Chosen secrets may be guessable, so their digests are slow; whoever knows one pays for that once per process."""

from __future__ import annotations

import hmac
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password

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


def test_a_secret_that_many_bring_at_once_is_compared_slowly_once(checked: list[str], monkeypatch: Any) -> None:
    """As when an app is met for the first time, in the middle of its work: nobody is told to come back."""
    digest, begun, go_on = adopted(), threading.Event(), threading.Event()
    check = vars(secrets)["check_password"]

    def held(secret: str, encoded: str, **more: Any) -> bool:
        begun.set()
        go_on.wait(30)
        return bool(check(secret, encoded, **more))

    monkeypatch.setattr(secrets, "check_password", held)
    with ThreadPoolExecutor(12) as threads:
        first = threads.submit(secrets.matches, CHOSEN, digest)
        begun.wait(30)
        others = [threads.submit(secrets.matches, CHOSEN, digest) for _ in range(10)]
        go_on.set()
        assert all(one.result(30) for one in [first, *others])
    assert checked == [CHOSEN]
    assert secrets._under_way == {}


def test_a_wrong_secret_spoils_no_right_one_of_the_same_moment(checked: list[str]) -> None:
    digest = adopted()
    with ThreadPoolExecutor(2) as threads:
        assert not threads.submit(secrets.matches, "wrong", digest).result(30)
        assert threads.submit(secrets.matches, CHOSEN, digest).result(30)
    assert secrets._under_way == {}


def test_a_secret_of_the_toolkit_is_hashed_anew_when_it_is_used(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["common.hashers.Argon2Hasher", "common.hashers.PBKDF2Hasher"]
    client = Client.objects.get(client_id="web")
    client.secrets.all().update(digest=PBKDF2PasswordHasher().encode(CHOSEN, "salt", 7))
    assert authenticate(Params(), basic("web", CHOSEN), "192.0.2.1").client_id == "web"
    assert client.secrets.get().digest.startswith("argon2$argon2id$")
    assert authenticate(Params(), basic("web", CHOSEN), "192.0.2.1").client_id == "web"


def test_whoever_comes_as_another_comparison_ends_compares_nothing(checked: list[str]) -> None:
    digest = adopted()
    assert secrets.matches(CHOSEN, digest)
    assert secrets._proves(CHOSEN, digest)
    assert checked == [CHOSEN]
