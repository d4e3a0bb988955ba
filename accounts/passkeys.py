"""Passkeys: whose one is, and whether it may sign in alone."""

from __future__ import annotations

import secrets

from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser

from accounts.models import SignIn, User

HANDLE = 64  # random bytes: as many as WebAuthn Level 3 recommends, and nothing about the person (section 14.6.1)
ALONE = "alone"  # in the stored credential: its person allowed it to stand alone


def handle_of(user: AbstractBaseUser) -> bytes:
    """What authenticators keep to name this person. Made with the first passkey, and never changed.

    Somebody who has no account yet has the one that the account will be made with.
    """
    if user.pk is None:
        return bytes(getattr(user, "passkey_handle", None) or b"")
    row = User.objects.filter(pk=user.pk)
    row.filter(passkey_handle=None).update(passkey_handle=secrets.token_bytes(HANDLE))
    return bytes(row.values_list("passkey_handle", flat=True).get() or b"")


def person_of(handle: bytes) -> User | None:
    """Whom an authenticator names."""
    return User.objects.filter(passkey_handle=handle).first() if len(handle) == HANDLE else None


def may_be_offered(sign_in: SignIn | None) -> bool:
    """Whether somebody typed a password who has no passkey yet."""
    if sign_in is None or "pwd" not in sign_in.amr:
        return False
    return not Authenticator.objects.filter(user=sign_in.user_id, type=Authenticator.Type.WEBAUTHN).exists()


def stands_alone(passkey: Authenticator) -> bool:
    """Whether its person allowed it to sign in without the password. One that they did not is a second step."""
    return passkey.data["credential"].get(ALONE) is True
