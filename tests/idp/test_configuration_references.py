"""Secrets that do not stand in the file: in the environment, in files of their own, or as hashes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import make_password

from accounts.models import User
from clients import secrets
from clients.models import Client, ClientSecret, SecurityEvent
from idp.configuration import ConfigurationError, Report, apply
from tests.idp.configuration import SMALL, changed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _hashes_of_the_product(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["common.hashers.Argon2Hasher", "common.hashers.PBKDF2Hasher"]


MADE = "sha256$" + hashlib.sha256(b"made elsewhere").hexdigest()


def client_with(**keys: Any) -> str:
    """The file with these keys in place of its secret."""
    lines = [f"{name}: {json.dumps(value)}" for name, value in keys.items()]
    return changed(SMALL, "client_secret: a given secret", "\n        ".join(lines))


def person_with(**keys: Any) -> str:
    lines = [f"{name}: {json.dumps(value)}" for name, value in keys.items()]
    return changed(SMALL, "password: secret words", "\n    ".join(lines))


def refused(text: str, **environ: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        apply(text, path="acme.yaml", environ=environ)
    assert not Client.objects.exists()
    return str(error.value)


def live() -> list[ClientSecret]:
    return [*ClientSecret.objects.filter(slot__isnull=False).order_by("slot")]


def opens(secret: str) -> list[bool]:
    return [secrets.matches(secret, row.digest) for row in live()]


# --- Files and variables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["from a file", "from a file\n", "from a file\r\n", "\ufefffrom a file\n"])
def test_a_file_is_the_secret_without_its_one_last_line_end(tmp_path: Path, written: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(written.encode())
    text = client_with(client_secret_from=f"file:{file}")
    apply(text)
    assert opens("from a file") == [True]
    assert not apply(text).changed


@pytest.mark.any_database
def test_only_one_line_end_is_taken_off(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b" two\n\n")
    apply(client_with(client_secret_from=f"file:{tmp_path}/secret"))
    assert opens(" two\n") == [True]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "The file PATH cannot be read: No such file or directory."),
        (b"", "The file PATH is empty."),
        (b"\n", "The file PATH is empty."),
        (b"a\0secret", "The file PATH is too long, or has a character that cannot be stored (NUL)."),
        (b"secret" * 10_000, "The file PATH is too long, or has a character that cannot be stored (NUL)."),
        (b"secret\xff", "The file PATH is not UTF-8 text."),
    ],
)
def test_what_is_no_secret_is_one_error_that_shows_nothing_of_it(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "kept"
    if content is not None:
        file.write_bytes(content)
    told = refused(client_with(client_secret_from=f"file:{file}"))
    where = "acme.yaml:15: projects[0].clients[0].client_secret_from"
    assert told == f"{where}: {problem.replace('PATH', str(file))}"
    told = refused(person_with(password_from=f"file:{file}"))
    assert told == f"acme.yaml:4: users[0].password_from: {problem.replace('PATH', str(file))}"


@pytest.mark.any_database
def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory." in refused(client_with(client_secret_from=f"file:{tmp_path}"))


@pytest.mark.any_database
@pytest.mark.parametrize("reference", ["env:", "env:A B", "file:", "file:relative", "vault:x", "", "A"])
def test_a_reference_is_a_variable_or_an_absolute_path(reference: str) -> None:
    assert "client_secret_from: Write 'env:NAME'" in refused(client_with(client_secret_from=reference))


def test_a_password_comes_from_elsewhere() -> None:
    text = person_with(password_from="env:DEMO_PASSWORD")
    apply(text, environ={"DEMO_PASSWORD": "from the environment"})
    assert User.objects.get().check_password("from the environment")
    assert not apply(text, environ={"DEMO_PASSWORD": "from the environment"}).changed
    assert apply(text, environ={"DEMO_PASSWORD": "another"}).drift[0].fields == ("password_from",)


@pytest.mark.any_database
def test_there_is_one_way_to_say_a_secret() -> None:
    assert "client_secret_hash: Give client_secret or client_secret_hash, not both." in refused(
        client_with(client_secret="a", client_secret_hash=MADE)
    )
    assert "password_from: Give password or password_from, not both." in refused(
        person_with(password="a", password_from="env:A"), A="b"
    )


# --- Hashes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quick", [True, False])
def test_a_hash_of_a_client_secret_is_taken_and_stays_when_it_is_made_anew(quick: bool) -> None:
    digest = MADE if quick else make_password("made elsewhere")
    text = client_with(client_secret_hash=digest)
    apply(text)
    assert opens("made elsewhere") == [True]
    assert not apply(text).changed
    ClientSecret.objects.update(digest=make_password("made elsewhere"))  # as its first use does
    assert not apply(text).changed
    assert apply(client_with(client_secret_hash=make_password("another"))).changed
    assert opens("made elsewhere") == [False]


def test_a_hash_of_a_password_is_taken_once_and_what_the_person_chooses_stays() -> None:
    text = person_with(password_hash=make_password("of before"))
    apply(text)
    user = User.objects.get()
    assert user.check_password("of before")
    assert not apply(text).changed
    user.set_password("of their own")
    user.save()
    assert not apply(text).changed
    assert User.objects.get().check_password("of their own")
    assert apply(person_with(password_hash=make_password("of another file"))).changed
    assert User.objects.get().check_password("of another file")


@pytest.mark.any_database
@pytest.mark.parametrize("digest", ["secret", "sha256$1234", "$2y$10$abc", "md5$a$b", "x" * 300])
def test_what_is_no_hash_is_refused_with_those_that_are(digest: str) -> None:
    known = "This kind of hash is not known. Known are "
    assert known in refused(client_with(client_secret_hash=digest))
    assert known in refused(person_with(password_hash=digest))


@pytest.mark.any_database
@pytest.mark.parametrize("digest", ["argon2$broken", "pbkdf2_sha256$1$s$x", "!"])
def test_a_hash_that_nothing_fits_is_refused(digest: str) -> None:
    assert "client_secret_hash: This is no hash" in refused(client_with(client_secret_hash=digest))
    assert "password_hash: This is no hash" in refused(person_with(password_hash=digest))


# --- Two slots -----------------------------------------------------------------------------------------------------


def applied(*entries: dict[str, Any], **environ: str) -> Report:
    return apply(client_with(client_secrets=list(entries)), environ=environ)


OLD: dict[str, Any] = {"secret": "old", "label": "2026"}
NEW: dict[str, Any] = {"secret_from": "env:NEW", "label": "2027", "expires_at": "2036-01-31T00:00:00Z"}


def test_two_secrets_live_side_by_side_with_their_labels_and_ends() -> None:
    applied(OLD, NEW, NEW="new")
    assert [(row.slot, row.label, row.expires_at and row.expires_at.year) for row in live()] == [
        (1, "2026", None),
        (2, "2027", 2036),
    ]
    assert (opens("old"), opens("new")) == ([True, False], [False, True])
    assert not applied(OLD, NEW, NEW="new").changed
    assert not applied(NEW, OLD, NEW="new").changed


def test_the_second_is_replaced_while_the_first_lives() -> None:
    applied(OLD, NEW, NEW="new")
    assert applied(OLD, NEW, NEW="newer").drift[0].fields == ("client_secrets",)
    assert (opens("old"), opens("newer"), len(live())) == ([True, False], [False, True], 2)


def test_what_is_taken_off_the_list_ends_whoever_made_it() -> None:
    applied(OLD)
    secrets.generate(Client.objects.get(), label="in the console")
    assert applied(OLD).changed
    assert [row.label for row in live()] == ["2026"]
    applied()
    assert live() == []
    assert not applied().changed
    ended = SecurityEvent.objects.filter(kind="client.secret_revoked").order_by("pk")
    assert [event.detail["label"] for event in ended] == ["in the console", "2026"]


def test_a_label_and_an_end_change_and_the_secret_stays() -> None:
    applied(OLD)
    [before] = live()
    assert applied({**OLD, "label": "last year", "expires_at": "2036-01-31T00:00:00Z"}).changed
    [after] = live()
    assert (after.pk, after.label, after.digest) == (before.pk, "last year", before.digest)
    assert SecurityEvent.objects.get(kind="client.secret_described").detail["label"] == "last year"


def test_a_secret_that_expires_is_no_drift_and_is_not_made_again() -> None:
    over = {**OLD, "expires_at": "2020-01-31T00:00:00Z"}
    applied(over)
    assert live() == []
    assert not applied(over).changed
    applied(OLD)
    ClientSecret.objects.update(expires_at="2020-01-31T00:00:00Z")
    assert not applied(over).changed


def test_a_client_moves_from_one_secret_to_two_and_back() -> None:
    apply(client_with(client_secret="old"))
    assert applied({"secret": "old"}, {"secret": "new"}).changed
    apply(client_with(client_secret="new"))
    assert (opens("new"), len(live())) == ([True], 1)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([OLD, OLD, OLD], "client_secrets: A client has at most 2 secrets."),
        ([OLD, OLD], "client_secrets[1]: This secret is listed twice."),
        ([{"label": "x"}], "client_secrets[0]: Give one of these: secret, secret_from, secret_hash."),
        ([{"secret": "a", "secret_hash": MADE}], "client_secrets[0]: Give one of these: secret, secret_from"),
        (["a"], "client_secrets[0]: This must be a mapping of keys and values, not text."),
        ([{"secret": ""}], "client_secrets[0].secret: This must not be empty. Leave the key out instead."),
        ([{"secret_from": "env:NIX"}], "client_secrets[0].secret_from: The environment variable NIX is not set."),
        ([{"secret_hash": "x"}], "client_secrets[0].secret_hash: This kind of hash is not known."),
        ([{**OLD, "label": "x" * 101}], "client_secrets[0].label: This text is too long: at most 100 characters."),
        ([{**OLD, "expires_at": "2036-01-31"}], "client_secrets[0].expires_at: This must be a moment such as"),
        ([{**OLD, "until": "x"}], "client_secrets[0].until: Unknown key 'until'."),
        ("a", "client_secrets: This must be a list, not text."),
    ],
)
def test_a_mistake_in_the_list_is_told_with_its_place(entries: Any, problem: str) -> None:
    told = refused(client_with(client_secrets=entries))
    assert told.startswith(f"acme.yaml:15: projects[0].clients[0].{problem}")
    assert len(told.splitlines()) == 1


@pytest.mark.any_database
def test_a_moment_needs_quotes_in_yaml() -> None:
    text = changed(SMALL, "client_secret: a given secret", "client_secrets: [{secret: a, expires_at: 2036-01-31}]")
    assert "expires_at: This must be text, not a date. Put it in quotes." in refused(text)


def test_a_client_without_use_for_secrets_takes_none() -> None:
    text = changed(client_with(client_secrets=[OLD]), "scope: openid", "token_endpoint_auth_method: none")
    assert "client_secrets: A public client has no secret. Leave this key out." in refused(text)
