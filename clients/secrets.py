"""Client secrets: made or adopted once, kept as digests, two at a time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from clients.identifiers import new_client_secret
from clients.models import Client, ClientSecret

_FAST = "sha256$"


class TooManySecrets(Exception):
    """Both slots are taken: revoke one first."""


def generate(client: Client, *, label: str = "", expires_at: datetime | None = None) -> str:
    """Add a new secret of 256 random bits and return it; it cannot be read again."""
    secret = new_client_secret()
    # So much entropy cannot be guessed: a plain digest is as safe as a slow hash and thousands of times quicker.
    _keep(client, _FAST + hashlib.sha256(secret.encode()).hexdigest(), label, expires_at)
    return secret


def adopt(client: Client, secret: str, *, label: str = "") -> None:
    """Add a secret a person chose. It may be guessable, so its digest is slow."""
    if not secret:
        raise ValueError("A client secret must not be empty.")
    _keep(client, make_password(secret), label, None)


def revoke(secret: ClientSecret) -> None:
    """End a secret at once; its row stays, without a slot."""
    ClientSecret.objects.filter(pk=secret.pk, revoked_at__isnull=True).update(slot=None, revoked_at=timezone.now())


def matches(secret: str, digest: str) -> bool:
    """Whether the secret is the one behind the digest. An empty secret never is. Constant time."""
    if not secret or not digest:
        return False
    if digest.startswith(_FAST):
        presented = _FAST + hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
        return hmac.compare_digest(presented, digest)
    return check_password(secret, digest)


def decoy() -> str:
    """A digest nothing matches, so that an unknown client costs what a known one does."""
    return _FAST + secrets.token_hex(32)


def _keep(client: Client, digest: str, label: str, expires_at: datetime | None) -> None:
    with transaction.atomic():
        # Locking the client serialises two people who rotate at once; the slot constraint backs it up.
        Client.objects.select_for_update().get(pk=client.pk)
        taken = set(client.secrets.filter(slot__isnull=False).values_list("slot", flat=True))
        free = next((slot for slot in (1, 2) if slot not in taken), None)
        if free is None:
            raise TooManySecrets("This client has two secrets already. Revoke one first.")
        ClientSecret.objects.create(client=client, slot=free, digest=digest, label=label, expires_at=expires_at)
