"""Encryption of secrets at rest under IDP_KEY_SECRETS: the first one encrypts, all of them decrypt."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


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
        raise Unreadable(
            f"Something sealed for “{purpose}” was sealed under a secret that is not in IDP_KEY_SECRETS. "
            "Add the old secret back."
        ) from None


def reseal(purpose: str, sealed: str) -> str:
    """The same text under the first secret; raises Unreadable."""
    return seal(purpose, unseal(purpose, sealed))


@lru_cache(maxsize=8)
def _cipher(purpose: str, key_secrets: tuple[str, ...]) -> MultiFernet:
    def fernet(secret: str) -> Fernet:
        info = f"vestibule {purpose}".encode()
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(secret.encode())
        return Fernet(base64.urlsafe_b64encode(derived))

    return MultiFernet([fernet(secret) for secret in key_secrets])
