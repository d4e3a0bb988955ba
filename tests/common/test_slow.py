"""Slow hashes take turns, so that nobody takes the memory and the time of everybody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, get_hasher, make_password
from django.test import Client as Http

from accounts.models import User
from clients import secrets
from clients.models import Client, ClientSecret
from common import slow
from idp import settings as product
from tests.world import App, basic

WEAK = Argon2PasswordHasher()
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def ours(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hashers of the product; those of the world's secrets, which is made first, stay known."""
    if "world" in request.fixturenames:
        request.getfixturevalue("world")
    settings.PASSWORD_HASHERS = [*product.PASSWORD_HASHERS, *settings.PASSWORD_HASHERS]
    monkeypatch.setattr(slow, "MAX_WAIT", 0.05)
    monkeypatch.setattr(secrets, "_proved", {})


@pytest.fixture
def all_taken() -> Iterator[None]:
    """Others hold every turn."""
    held, done = threading.Barrier(3), threading.Event()

    def hold() -> None:
        with slow.turn():
            held.wait()
            done.wait()

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    held.wait()
    yield
    done.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("algorithm", ["argon2", "pbkdf2_sha256"])
def test_a_hash_waits_for_its_turn_and_not_for_long(all_taken: None, algorithm: str) -> None:
    with pytest.raises(slow.Busy):
        make_password(PASSWORD, hasher=algorithm)


@pytest.mark.parametrize("algorithm", ["argon2", "pbkdf2_sha256"])
def test_comparing_waits_too(algorithm: str, request: pytest.FixtureRequest) -> None:
    encoded = make_password(PASSWORD, hasher=algorithm)
    request.getfixturevalue("all_taken")
    with pytest.raises(slow.Busy):
        check_password(PASSWORD, encoded)


def test_only_a_few_wait(all_taken: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait answer nobody: the token endpoint needs some too."""
    monkeypatch.setattr(slow, "MAX_WAIT", 3.0)
    told: list[float] = []

    def wait() -> None:
        start = time.monotonic()
        with pytest.raises(slow.Busy), slow.turn():
            pass
        told.append(time.monotonic() - start)

    threads = [threading.Thread(target=wait) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(seconds > 2.5 for seconds in told) == 4
    assert sum(seconds < 2.5 for seconds in told) == 6


def test_a_turn_is_given_back_also_when_something_fails() -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), slow.turn():
            _ = 1 / 0
    with slow.turn(), slow.turn(), slow.turn():
        pass  # one thread takes one turn


def test_a_hash_costs_what_owasp_asks_for() -> None:
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in make_password(PASSWORD)


@pytest.mark.django_db
def test_a_hash_with_other_costs_is_made_anew_at_the_next_sign_in() -> None:
    before = WEAK.encode(PASSWORD, WEAK.salt())
    User.objects.create(username="person", password=before)
    assert Http().post("/accounts/login/", {"login": "person", "password": PASSWORD}).status_code == 302
    after = User.objects.get().password
    assert "m=102400" in before
    assert "m=19456" in after
    assert check_password(PASSWORD, after)


@pytest.mark.django_db
def test_so_is_that_of_a_chosen_client_secret(world: None) -> None:
    row = ClientSecret.objects.filter(client=Client.objects.get(client_id="web"))
    row.update(digest=WEAK.encode("web-secret", WEAK.salt()))
    for _ in range(2):
        response = App("web").post(
            "/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("web", "web-secret")
        )
        assert response.status_code == 200
    assert "m=19456" in row.get().digest
    assert row.get().digest in secrets._proved, "so that the next request need not hash"


@pytest.mark.django_db
def test_a_client_is_told_to_come_back(world: None, all_taken: None) -> None:
    answer = App("web").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("web", "wrong"))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer["Retry-After"]) > 0


@pytest.mark.django_db
def test_who_needs_no_slow_hash_waits_for_nobody(world: None, all_taken: None) -> None:
    secret = secrets.generate(Client.objects.get(client_id="web"))
    answer = App("web").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic("web", secret))
    assert answer.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("client_id", ["nobody", "generated"])
def test_names_of_no_client_with_a_chosen_secret_take_nobodys_turn(
    world: None, all_taken: None, client_id: str
) -> None:
    """There is no end of them: with a decoy for each, anybody would keep people and clients waiting (decision 133)."""
    web = Client.objects.get(client_id="web")
    secrets.generate(Client.objects.create(client_id="generated", project=web.project, client_type="confidential"))
    answer = App("web").post("/oauth2/token", {"grant_type": "client_credentials"}, auth=basic(client_id, "wrong"))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.django_db
def test_a_person_is_told_to_come_back(all_taken: None) -> None:
    answer = Http(raise_request_exception=False).post("/accounts/login/", {"login": "person", "password": PASSWORD})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_our_hasher_is_the_one_that_is_used() -> None:
    assert get_hasher("default").__module__ == "common.hashers"
