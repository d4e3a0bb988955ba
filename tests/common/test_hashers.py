"""Hashes of others: what is taken, verified and made anew, and what is refused before anybody can guess at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher, Type
from django.contrib.auth.hashers import check_password, get_hasher, make_password
from django.utils.module_loading import import_string
from hypothesis import example, given
from hypothesis import strategies as st

from common import hashers

PASSWORD = "correct horse"
OURS = ("Argon2", "PBKDF2", "PBKDF2SHA1", "Scrypt", "BCrypt", "BCryptSHA256")


@pytest.fixture
def real(settings: Any) -> None:
    settings.PASSWORD_HASHERS = [f"common.hashers.{name}Hasher" for name in OURS]


def djangos(name: str, **costs: int) -> str:
    """As Django's own hasher writes it."""
    hasher = import_string(f"django.contrib.auth.hashers.{name}PasswordHasher")()
    for cost, number in costs.items():
        setattr(hasher, cost, number)
    encoded: str = hasher.encode(PASSWORD, hasher.salt())
    return encoded


def foreign() -> dict[str, str]:
    phc = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    return {
        "PBKDF2": djangos("PBKDF2", iterations=1000),
        "PBKDF2 of old": djangos("PBKDF2", iterations=1),
        "SHA-1": djangos("PBKDF2SHA1", iterations=1000),
        "scrypt": djangos("Scrypt", work_factor=16, parallelism=1),
        "bcrypt": djangos("BCrypt", rounds=4),
        "bcrypt_sha256": djangos("BCryptSHA256", rounds=4),
        "argon2 of Django": djangos("Argon2", time_cost=1, memory_cost=1024, parallelism=8),
        "argon2id": phc.hash(PASSWORD),
        "argon2i": PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=Type.I).hash(PASSWORD),
        "argon2d": PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=Type.D).hash(PASSWORD),
        "$2b$": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
        "$2y$": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
        "$2a$": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode(),
    }


FOREIGN = foreign()


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("encoded", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_hash_of_another_system_is_verified_and_made_anew(encoded: str) -> None:
    assert hashers.problem_of_hash(encoded) is None
    kept, anew = hashers.as_kept(encoded), list[str]()
    assert hashers.problem_of_hash(kept) is None
    assert not check_password(PASSWORD + "x", kept, setter=anew.append)
    assert not check_password("", kept, setter=anew.append)
    assert anew == []
    assert check_password(PASSWORD, kept, setter=anew.append)
    assert anew == [PASSWORD]
    assert get_hasher("default").algorithm == "argon2"


@pytest.mark.usefixtures("real")
def test_our_own_stays() -> None:
    encoded, anew = make_password(PASSWORD), list[str]()
    assert hashers.problem_of_hash(encoded) is None
    assert check_password(PASSWORD, encoded, setter=anew.append)
    assert anew == []


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("password", ["x" * 100, "ü" * 50, "a\0b"])
def test_bcrypt_reads_as_much_of_a_password_as_it_always_did(password: str) -> None:
    encoded = f"bcrypt${bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()}"
    assert check_password(password, encoded)
    assert not check_password("y" + password, encoded)


def refused() -> Iterator[tuple[str, str]]:
    good = FOREIGN
    salt, digest = "c2FsdHNhbHQ", "A" * 43
    yield "", "no password"
    yield "!abc", "no password"
    for unknown in (
        "md5$a$b",
        "sha1$a$b",
        "plain",
        "$5$rounds=5000$a$b",
        "$2x$" + good["$2b$"][4:],
        "pbkdf2_sha512$1$a$b",
    ):
        yield unknown, "not known"
    yield good["PBKDF2"].replace("$1000$", "$4000001$"), "costs too much"
    for costs in ("1048576$salt$8$1", "131072$salt$8$999", "16384$salt$8$64", "2$salt$1$8000000", "2$salt$1000000$2"):
        yield f"scrypt${costs}$" + "A" * 86 + "==", "costs too much"
    yield good["$2b$"].replace("$04$", "$15$"), "costs too much"
    yield f"$argon2id$v=19$m=1048576,t=1,p=1${salt}${digest}", "costs too much"
    yield f"$argon2id$v=19$m=65536,t=100000,p=1${salt}${digest}", "costs too much"
    for broken in (
        *(good["PBKDF2"][:-3], good["PBKDF2"] + "$", good["PBKDF2"].replace("$1000$", "$1e3$"), "pbkdf2_sha256$1$$"),
        *(good["scrypt"].replace("$16$", "$15$"), good["scrypt"].replace("$16$", "$-16$"), "scrypt$2$s$8$1$x"),
        *("scrypt$65536$salt$1$1$" + "A" * 86 + "==", "bcrypt$$2b$04$" + "z" * 53),  # no library compares those
        *(good["bcrypt"][:-1], good["bcrypt"] + "x", "bcrypt$$2b$04$", "bcrypt_sha256$x"),
        *("$argon2id$", "$argon2x$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$" + digest, "argon2$argon2id$v=19$m=1,t=1,p=1$a$b"),
        *(good["argon2id"] + "\n", good["PBKDF2"].replace("$1000$", "$٣$"), "pbkdf2_sha256$1$" + "a" * 200 + "$b"),
    ):
        yield broken, "no hash of"


REFUSED = list(refused())


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_compared_or_costs_too_much_is_refused(text: str, why: str) -> None:
    problem = hashers.problem_of_hash(text)
    assert problem is not None
    assert why in problem
    assert len(text) < 40 or text not in problem


@pytest.mark.usefixtures("real")
@given(st.sampled_from(sorted(FOREIGN.values())), st.integers(0, 130), st.text(max_size=3))
@example("", 0, "")
def test_what_is_accepted_can_always_be_compared(encoded: str, place: int, put: str) -> None:
    changed = encoded[:place] + put + encoded[place + len(put) :]
    if hashers.problem_of_hash(changed) is None:
        check_password(PASSWORD, hashers.as_kept(changed))
        hashers.cost_of(hashers.as_kept(changed))


@pytest.mark.parametrize(
    ("encoded", "cost"),
    [
        (FOREIGN["PBKDF2"], "pbkdf2_sha256$1000"),
        (FOREIGN["SHA-1"], "pbkdf2_sha1$1000"),
        (FOREIGN["scrypt"], "scrypt$16$8$1"),
        (FOREIGN["bcrypt"], "bcrypt$04"),
        (FOREIGN["bcrypt_sha256"], "bcrypt_sha256$04"),
        (FOREIGN["argon2 of Django"], "argon2$argon2id$v=19$m=1024,t=1,p=8"),
        *(("", ""), ("!x", ""), ("md5$a$b", "")),
    ],
    ids=["pbkdf2", "sha1", "scrypt", "bcrypt", "bcrypt_sha256", "argon2", "none", "unusable", "unknown"],
)
def test_what_comparing_costs_is_named_without_salt_and_secret(encoded: str, cost: str) -> None:
    assert hashers.cost_of(encoded) == cost
