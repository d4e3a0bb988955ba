"""A guess at a name that nobody has costs what guesses at accounts cost, whatever hashes those brought along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client

from accounts import decoys
from accounts.models import User
from common import hashers

pytestmark = pytest.mark.django_db
OLD = PBKDF2PasswordHasher().encode("old password", "salt", 7)


@pytest.fixture(autouse=True)
def real(settings: Any) -> Iterator[None]:
    settings.PASSWORD_HASHERS = [f"common.hashers.{name}Hasher" for name in ("Argon2", "PBKDF2")]
    decoys.forget()
    yield
    decoys.forget()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was computed."""
    done: Counter[str] = Counter()
    encode, verify = hashers.PBKDF2Hasher.encode, hashers.Argon2Hasher.verify
    make = hashers.Argon2Hasher.encode

    def slowly(self: hashers.PBKDF2Hasher, password: str, salt: str, iterations: int | None = None) -> str:
        done[f"pbkdf2 {iterations}"] += 1
        return encode(self, password, salt, iterations)

    def ours(self: hashers.Argon2Hasher, password: str, encoded: str) -> bool:
        done["ours"] += 1
        return verify(self, password, encoded)

    def made(self: hashers.Argon2Hasher, password: str, salt: str) -> str:
        done["ours"] += 1
        return make(self, password, salt)

    monkeypatch.setattr(hashers.PBKDF2Hasher, "encode", slowly)
    monkeypatch.setattr(hashers.Argon2Hasher, "verify", ours)
    monkeypatch.setattr(hashers.Argon2Hasher, "encode", made)
    return done


def people(old: int, new: int) -> None:
    ours = "argon2$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAA"
    hashes = [OLD] * old + [ours] * new
    User.objects.bulk_create(User(username=f"person{n}", password=one) for n, one in enumerate(hashes))


def guess(login: str, password: str = "a guess") -> bool:
    return Client().login(username=login, password=password)


def test_where_everybody_has_a_hash_of_ours_nobody_costs_one(work: Counter[str]) -> None:
    people(0, 3)
    guess("nobody")
    assert work == {"ours": 1}


def test_where_everybody_came_along_nobody_costs_what_they_do(work: Counter[str]) -> None:
    people(3, 0)
    for login in ("nobody", "person0"):
        work.clear()
        guess(login)
        assert work == {"pbkdf2 7": 1}, login


@pytest.mark.parametrize("password", ["plain", "caf\u0065\u0301"])
def test_a_password_of_two_forms_costs_twice_for_both(work: Counter[str], password: str) -> None:
    people(3, 0)
    found = []
    for login in ("nobody", "person0"):
        work.clear()
        guess(login, password)
        found.append(dict(work))
    assert found[0] == found[1]


def test_names_that_nobody_has_cost_the_same_in_the_same_shares() -> None:
    people(30, 10)
    names = [f"nobody{number}" for number in range(400)]
    drawn = {name: decoys._drawn(name) for name in names}
    assert 250 < sum(one == OLD for one in drawn.values()) < 350
    decoys.forget()
    assert {name.upper(): decoys._drawn(name.upper()) for name in names} == {
        name.upper(): one for name, one in drawn.items()
    }


def test_a_name_costs_less_only_once_as_people_sign_in() -> None:
    people(30, 10)
    names = [f"nobody{number}" for number in range(200)]
    before = {name for name in names if decoys._drawn(name)}
    User.objects.filter(username__in=[f"person{n}" for n in range(20)]).update(password=User.objects.last().password)  # type: ignore[union-attr]
    decoys.forget()
    after = {name for name in names if decoys._drawn(name)}
    assert after < before


def test_the_password_behind_the_example_is_nobodys(work: Counter[str]) -> None:
    people(1, 0)
    assert guess("person0", "old password")
    User.objects.update(password=OLD)
    assert not guess("nobody", "old password")
    assert User.objects.get().password == OLD


def test_whoever_signs_in_has_a_hash_of_ours_from_then_on() -> None:
    people(1, 0)
    assert guess("person0", "old password")
    assert User.objects.get().password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert guess("person0", "old password")


def test_a_large_table_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoys, "SAMPLE", 10)
    people(60, 20)
    (kind,) = decoys._looked_at()
    assert 0.6 < kind.share < 0.9
