"""Secrets at rest are sealed for one purpose, and what was sealed before stays readable."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.management import CommandError, call_command

from accounts.mfa import MFAAdapter
from accounts.models import AccountEvent, User
from common import sealing
from provider.keys import keyring
from tests.accounts.second_steps import code, enrol, recovery_codes


def test_what_is_sealed_opens_again_and_never_looks_the_same() -> None:
    one, two = sealing.seal("tests", "a secret"), sealing.seal("tests", "a secret")
    assert one != two
    assert "secret" not in one
    assert sealing.unseal("tests", one) == sealing.unseal("tests", two) == "a secret"


def test_nothing_sealed_for_one_purpose_opens_for_another() -> None:
    with pytest.raises(sealing.Unreadable):
        sealing.unseal("signing keys", MFAAdapter().encrypt("a secret"))
    with pytest.raises(sealing.Unreadable):
        MFAAdapter().decrypt(keyring.encrypt("a secret"))


def test_the_first_secret_seals_and_all_open(settings: Any) -> None:
    old, new = "o" * 32, "n" * 32
    settings.IDP_KEY_SECRETS = [old]
    before = sealing.seal("tests", "a secret")
    settings.IDP_KEY_SECRETS = [new, old]
    after = sealing.seal("tests", "a secret")
    assert sealing.unseal("tests", before) == "a secret"
    settings.IDP_KEY_SECRETS = [new]
    assert sealing.unseal("tests", after) == "a secret"
    with pytest.raises(sealing.Unreadable, match="Add the old secret back"):
        sealing.unseal("tests", before)


@pytest.mark.parametrize("damaged", ["", "x", "gAAAAA", "é"])
def test_what_is_damaged_does_not_open(damaged: str) -> None:
    with pytest.raises(sealing.Unreadable):
        sealing.unseal("tests", damaged)


def test_signing_keys_sealed_by_an_earlier_version_open(settings: Any) -> None:
    settings.IDP_KEY_SECRETS = ["k" * 32]
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"vestibule signing keys").derive(b"k" * 32)
    sealed = Fernet(base64.urlsafe_b64encode(derived)).encrypt(b"a key").decode()
    assert keyring.decrypt(sealed) == "a key"


@pytest.mark.django_db
def test_second_factors_move_under_the_new_secret_and_the_old_one_can_go(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = "o" * 32, "n" * 32
    settings.IDP_KEY_SECRETS = [old]
    person = User.objects.create_user("person")
    enrol(person)
    codes = recovery_codes(person)
    settings.IDP_KEY_SECRETS = [new]
    with pytest.raises(CommandError, match="Add the old secret back"):
        call_command("resealfactors")
    settings.IDP_KEY_SECRETS = [new, old]
    call_command("resealfactors", format="json")
    assert json.loads(capsys.readouterr().out) == {"resealed": 2}
    event = AccountEvent.objects.get(kind="factors.resealed")
    assert (event.sub, event.detail["number"]) == ("", 2)
    assert "@" in event.detail["by"]
    settings.IDP_KEY_SECRETS = [new]
    assert recovery_codes(person) == codes
    assert Authenticator.objects.get(type="totp").wrap().validate_code(code())
