"""Secrets at rest under IDP_KEY_SECRETS: the first one encrypts and marks, all of them decrypt and recognize."""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NOT_OURS = (
    "Something sealed for “%s” was sealed under a secret that is not in IDP_KEY_SECRETS. Add the old secret back."
)


class Unreadable(Exception):
    """No secret of IDP_KEY_SECRETS opens this."""


def seal(purpose: str, text: str) -> str:
    """Encrypt and authenticate. What was sealed for one purpose cannot be opened for another."""
    return _cipher(purpose, tuple(settings.IDP_KEY_SECRETS)).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """The text; raises Unreadable."""
    try:
        return _cipher(purpose, tuple(settings.IDP_KEY_SECRETS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable(NOT_OURS % purpose) from None


def reseal(purpose: str, sealed: str) -> str:
    """The same text under the first secret; raises Unreadable."""
    return seal(purpose, unseal(purpose, sealed))


def number_of(purpose: str, sealed: str) -> int:
    """Which secret opens it, counted from 1 as IDP_KEY_SECRETS lists them; raises Unreadable."""
    for number, secret in enumerate(settings.IDP_KEY_SECRETS, start=1):
        try:
            _cipher(purpose, (secret,)).decrypt(sealed.encode())
        except InvalidToken:
            continue
        return number
    raise Unreadable(NOT_OURS % purpose)


def fingerprint(purpose: str, text: str) -> str:
    """Recognizes this text, for whoever has the secrets; to anybody else it is random."""
    return _fingerprints(purpose, text)[0]


def has_fingerprint(purpose: str, text: str, kept: str) -> bool:
    """Whether this is the fingerprint of the text, under any of the secrets."""
    return any(hmac.compare_digest(kept, one) for one in _fingerprints(purpose, text))


def _fingerprints(purpose: str, text: str) -> list[str]:
    keys = _fingerprint_keys(purpose, tuple(settings.IDP_KEY_SECRETS))
    return [hmac.digest(key, text.encode(), "sha256").hex() for key in keys]


@lru_cache(maxsize=8)
def _fingerprint_keys(purpose: str, key_secrets: tuple[str, ...]) -> list[bytes]:
    return [_derived(f"fingerprints of {purpose}", secret) for secret in key_secrets]


@lru_cache(maxsize=8)
def _cipher(purpose: str, key_secrets: tuple[str, ...]) -> MultiFernet:
    keys = (_derived(purpose, secret) for secret in key_secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def _derived(purpose: str, secret: str) -> bytes:
    """A key of its own for each purpose (RFC 5869)."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=f"vestibule {purpose}".encode()).derive(secret.encode())
