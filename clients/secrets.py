"""Client secrets: made or adopted once, kept as digests, two at a time."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from clients.identifiers import new_client_secret
from clients.models import Client, ClientSecret
from common import chosen
from common.chosen import Kept
from common.hashers import problem_of_hash
from common.slow import MAX_WAIT

_FAST = "sha256$"
_FAST_DIGEST = re.compile(re.escape(_FAST) + "[0-9a-f]{64}")
# Chosen secrets that fitted, by their slow digest: what they are under a key that only this server has, and forgets.
_proved: dict[str, bytes] = {}
_KEY = secrets.token_bytes(32)
MAX_PROVED = 10_000
_under_way: dict[tuple[str, bytes], threading.Event] = {}  # what is compared the slow way right now


class TooManySecrets(Exception):
    """Both slots are taken: revoke one first."""


def generate(client: Client, *, label: str = "", expires_at: datetime | None = None) -> str:
    """Add a new secret of 256 random bits and return it; it cannot be read again."""
    secret, kept = generated()
    _keep(client, kept, label, expires_at)
    return secret


def adopt(
    client: Client,
    secret: str,
    *,
    label: str = "",
    hashed: Kept | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Add a secret a person chose. It may be guessable, so its digest is slow; `hashed`: it was computed before."""
    if not secret and hashed is None:
        raise ValueError("A client secret must not be empty.")
    _keep(client, hashed or chosen.keep(secret), label, expires_at)


def digest_problem(digest: str) -> str:
    """Why this is no digest of a client secret, or an empty string."""
    return "" if _FAST_DIGEST.fullmatch(digest) else problem_of_hash(digest) or ""


def give_first(kept: Mapping[Client, Kept], *, label: str) -> None:
    """Secrets of clients that have none and that nobody else knows yet, all at once."""
    rows = (
        ClientSecret(client=client, slot=1, digest=one.digest, fingerprint=one.fingerprint, label=label)
        for client, one in kept.items()
    )
    ClientSecret.objects.bulk_create(rows)


def generated() -> tuple[str, Kept]:
    """A new secret of 256 random bits, and what to keep of it."""
    secret = new_client_secret()
    # So much entropy cannot be guessed: a plain digest is as safe as a slow hash and thousands of times quicker.
    return secret, Kept(_FAST + hashlib.sha256(secret.encode()).hexdigest())


def mark(secret: ClientSecret, text: str) -> None:
    """Let the fingerprint know the text behind it from now on, under the first of IDP_KEY_SECRETS."""
    kept = chosen.marked(text, secret.digest)
    if is_slow(secret.digest) and secret.fingerprint != kept.fingerprint:
        ClientSecret.objects.filter(pk=secret.pk, digest=secret.digest).update(fingerprint=kept.fingerprint)


def revoke(secret: ClientSecret) -> None:
    """End a secret at once; its row stays, without a slot."""
    ClientSecret.objects.filter(pk=secret.pk, revoked_at__isnull=True).update(slot=None, revoked_at=timezone.now())


def matches(secret: str, digest: str) -> bool:
    """Whether the secret is the one behind the digest. An empty secret never is. Constant time."""
    return matches_quickly(secret, digest) or (bool(secret) and is_slow(digest) and _proves(secret, digest))


def matches_quickly(secret: str, digest: str) -> bool:
    """As `matches`, without a slow hash: a chosen secret matches only when this process has seen it match before."""
    if not secret or not digest:
        return False
    if is_slow(digest):
        return _proved_before(_encoded(secret), digest)
    return hmac.compare_digest(_FAST + hashlib.sha256(_encoded(secret)).hexdigest(), digest)


def is_slow(digest: str) -> bool:
    """Whether comparing costs as much as a sign-in: the digest of a chosen secret."""
    return not digest.startswith(_FAST)


def _proved_before(presented: bytes, digest: str) -> bool:
    kept = _proved.get(digest)
    return kept is not None and hmac.compare_digest(kept, hmac.digest(_KEY, presented, "sha256"))


def _proves(secret: str, digest: str) -> bool:
    """The slow way, once for all who bring the same secret at the same moment: an app may have many requests under way.

    Otherwise those would take all turns, and some be told to come back, when a server meets the app for the first time.
    """
    presented = _encoded(secret)
    mine, which = threading.Event(), (digest, hmac.digest(_KEY, presented, "sha256"))
    first = _under_way.setdefault(which, mine)
    if first is not mine:
        first.wait(MAX_WAIT)
        return _proved_before(presented, digest) or _compares(secret, digest)
    try:  # whoever was under way may have come to an end before we were
        return _proved_before(presented, digest) or _compares(secret, digest)
    finally:
        del _under_way[which]
        mine.set()


def _compares(secret: str, digest: str) -> bool:
    """The slow way, which nobody who guesses is spared. What fits is remembered, and hashed anew when that was weak."""
    if not check_password(secret, digest, setter=partial(_hash_anew, digest)):
        return False
    if len(_proved) >= MAX_PROVED:
        _proved.clear()
    _proved[digest] = hmac.digest(_KEY, _encoded(secret), "sha256")
    return True


def _hash_anew(digest: str, secret: str) -> None:
    """The hash has other costs than those of today."""
    anew = make_password(secret)
    ClientSecret.objects.filter(digest=digest).update(digest=anew)
    _proved[anew] = hmac.digest(_KEY, _encoded(secret), "sha256")


def _encoded(secret: str) -> bytes:
    return secret.encode(errors="surrogatepass")


def decoy() -> str:
    """A digest nothing matches, so that an unknown client costs what a known one does."""
    return _FAST + secrets.token_hex(32)


def _keep(client: Client, kept: Kept, label: str, expires_at: datetime | None) -> None:
    with transaction.atomic():
        # Locking the client serialises two people who rotate at once; the slot constraint backs it up.
        Client.objects.select_for_update().get(pk=client.pk)
        taken = set(client.secrets.filter(slot__isnull=False).values_list("slot", flat=True))
        free = next((slot for slot in (1, 2) if slot not in taken), None)
        if free is None:
            raise TooManySecrets("This client has two secrets already. Revoke one first.")
        ClientSecret.objects.create(
            client=client,
            slot=free,
            digest=kept.digest,
            fingerprint=kept.fingerprint,
            label=label,
            expires_at=expires_at,
        )
