"""Applying a file again: unchanged secrets and passwords cost no slow hash, and none is computed under a lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from django.conf import LazySettings
from django.db import connection

from accounts.models import User
from clients.models import ClientSecret
from common.hashers import Argon2Hasher
from idp.configuration import apply
from tests.idp.configuration import SMALL, changed

pytestmark = pytest.mark.django_db

BOTH = 2  # a password and a client secret
ANOTHER_SECRET = changed(SMALL, "a given secret", "another secret")
ANOTHER_PASSWORD = changed(SMALL, "secret words", "other words")
ANOTHER_NAME = changed(SMALL, "scope: openid", "scope: openid\n        client_name: Renamed")


@dataclass
class Hashes:
    """How many slow hashes ran, and how many of them in a transaction."""

    made: int = 0
    compared: int = 0
    under_a_lock: int = 0
    before: int = field(default_factory=lambda: len(connection.savepoint_ids))

    @property
    def all(self) -> int:
        return self.made + self.compared

    def note_lock(self) -> None:
        """Threads have connections of their own: only the one that applies the file is in its transaction."""
        in_this_thread = threading.current_thread() is threading.main_thread()
        self.under_a_lock += in_this_thread and len(connection.savepoint_ids) > self.before


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Hashes:
    counted = Hashes()
    encode, verify = Argon2Hasher.encode, Argon2Hasher.verify

    def counting_encode(self: Argon2Hasher, password: str, salt: str) -> str:
        counted.made += 1
        counted.note_lock()
        return encode(self, password, salt)

    def counting_verify(self: Argon2Hasher, password: str, encoded: str) -> bool:
        counted.compared += 1
        counted.note_lock()
        return verify(self, password, encoded)

    monkeypatch.setattr(Argon2Hasher, "encode", counting_encode)
    monkeypatch.setattr(Argon2Hasher, "verify", counting_verify)
    return counted


@pytest.fixture(autouse=True)
def slow_hashes(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["common.hashers.Argon2Hasher", "common.hashers.PBKDF2Hasher"]


def test_a_new_secret_is_hashed_once_and_before_the_database_is_locked(hashes: Hashes) -> None:
    apply(SMALL)
    assert (hashes.made, hashes.compared, hashes.under_a_lock) == (BOTH, 0, 0)


@pytest.mark.parametrize("look_only", [True, False])
def test_unchanged_secrets_cost_no_hash(hashes: Hashes, look_only: bool) -> None:
    apply(SMALL)
    before = hashes.all
    assert not apply(SMALL, dry_run=look_only).changed
    assert apply(ANOTHER_NAME, dry_run=look_only).changed
    assert hashes.all == before


@pytest.mark.parametrize("text", [ANOTHER_SECRET, ANOTHER_PASSWORD])
def test_a_changed_secret_costs_its_hash_before_the_database_is_locked(hashes: Hashes, text: str) -> None:
    apply(SMALL)
    before = hashes.made
    assert apply(text).changed
    assert (hashes.made - before, hashes.compared, hashes.under_a_lock) == (1, 1, 0)
    assert not apply(text).changed
    assert (hashes.made - before, hashes.compared) == (1, 1)


def test_who_only_looks_makes_no_hash(hashes: Hashes) -> None:
    assert apply(SMALL, dry_run=True).changed
    assert hashes.all == 0


def test_without_a_fingerprint_it_is_compared_once_before_the_database_is_locked(hashes: Hashes) -> None:
    """As with a database of before, or a hash that was brought along."""
    apply(SMALL)
    ClientSecret.objects.update(fingerprint="")
    User.objects.update(password_fingerprint="")
    assert not apply(SMALL).changed
    assert (hashes.compared, hashes.under_a_lock) == (BOTH, 0)
    assert not apply(SMALL).changed
    assert hashes.compared == BOTH


def test_a_fingerprint_follows_the_secret_of_the_environment(hashes: Hashes, settings: LazySettings) -> None:
    apply(SMALL)
    old = ClientSecret.objects.get().fingerprint
    settings.IDP_KEY_SECRETS = ["n" * 40, *settings.IDP_KEY_SECRETS]
    assert not apply(SMALL).changed
    assert hashes.compared == 0
    assert ClientSecret.objects.get().fingerprint != old
    settings.IDP_KEY_SECRETS = settings.IDP_KEY_SECRETS[:1]
    assert not apply(SMALL).changed
    assert hashes.compared == 0


def test_a_fingerprint_of_a_secret_that_is_gone_is_worth_nothing(hashes: Hashes, settings: LazySettings) -> None:
    apply(SMALL)
    settings.IDP_KEY_SECRETS = ["n" * 40]
    assert not apply(SMALL).changed
    assert hashes.compared == BOTH


def test_a_fingerprint_counts_with_its_own_hash_alone(hashes: Hashes) -> None:
    """The person changed the password: what the file says is another one now."""
    apply(SMALL)
    user = User.objects.get(username="demo")
    user.set_password("of their own")
    user.save()
    assert apply(SMALL).changed
    assert User.objects.get(username="demo").check_password("secret words")


def test_two_clients_with_the_same_secret_do_not_look_alike(hashes: Hashes) -> None:
    twin = "\n      - {client_id: twin, client_secret: a given secret}\n"
    apply(SMALL.rstrip() + twin)
    assert len(set(ClientSecret.objects.values_list("digest", flat=True))) == BOTH
    assert len(set(ClientSecret.objects.values_list("fingerprint", flat=True))) == BOTH
