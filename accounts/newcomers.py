"""Accounts made for people who proved that a mail address is theirs before they had one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.db.models import Q
from django.http import HttpRequest

from accounts import emails, events, normalization, passkeys
from accounts.models import AccountEventKind, User


@dataclass(frozen=True, slots=True)
class Passkey:
    """What a browser answered (`accounts.mfa_forms`), and whom it names."""

    name: str
    credential: dict[str, object] = field(repr=False)
    handle: bytes = field(repr=False)


def owner_of(address: str) -> User | None:
    """Whose mail address this is: of an account, or a second one that somebody verified."""
    address = normalization.mail_address(address)
    verified = EmailAddress.objects.filter(email=address, verified=True).values("user")
    return User.objects.filter(Q(email=address) | Q(pk__in=verified)).order_by("pk").first()


def owns(user: User, address: str) -> bool:
    found = owner_of(address)
    return found is not None and found.pk == user.pk


def prepared(request: HttpRequest, address: str, password: str | None, handle: bytes | None = None) -> User:
    """A person with this address, not saved yet: the slow hash of a password is made before anybody waits for us."""
    user = User(email=normalization.mail_address(address))
    get_adapter(request).populate_username(request, user)
    user.set_password(password)  # None: no password opens it
    user.passkey_handle = handle
    return user


def save(request: HttpRequest, user: User, passkey: Passkey | None = None) -> Authenticator | None:
    """Make it, with its verified address and its passkey if it begins with one."""
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    events.record(user, AccountEventKind.EMAIL_VERIFIED, request)
    if passkey is None:
        return None
    added: Authenticator = WebAuthn.add(user, passkey.name, passkey.credential).instance
    events.record(user, AccountEventKind.PASSKEY_ADDED, request)
    return added


def verify(request: HttpRequest, user: User, address: str) -> None:
    """Whoever holds what a mail brought has proved that its address is theirs."""
    rows = EmailAddress.objects.filter(user=user, email=normalization.mail_address(address))
    if not rows.exists() and user.email == normalization.mail_address(address):
        EmailAddress.objects.create(user=user, email=user.email, primary=True)
    if rows.filter(verified=False).update(verified=True):
        emails.touch(user)
        events.record(user, AccountEventKind.EMAIL_VERIFIED, request)


def new_handle() -> bytes:
    return secrets.token_bytes(passkeys.HANDLE)
