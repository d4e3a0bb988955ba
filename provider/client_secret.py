"""`client_secret_basic`, `client_secret_post`, `none`: a secret in one of two places, or nothing (RFC 6749 2.3.1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q

from clients import secrets
from clients.models import ClientSecret
from common import cache, clock
from provider.authentication_method import Credentials, Method, Sent
from provider.parameters import decoded
from provider.protocol.errors import InvalidClient, InvalidRequest
from provider.protocol.facts import ClientFacts

_LAST_USED_RESOLUTION = timedelta(hours=1)


class Secret(Method):
    def proves(self, client: ClientFacts | None, presented: Credentials) -> bool:
        """A client that proves itself in another way has no secret, whatever was sent."""
        return _fits(client if _has_secrets(client) else None, presented, secrets.matches_quickly)

    def has_guessable(self, client: ClientFacts | None) -> bool:
        return (
            client is not None
            and _has_secrets(client)
            and any(secrets.is_slow(one.digest) for one in _live_secrets(client, clock.now()))
        )

    def proves_slowly(self, client: ClientFacts | None, presented: Credentials) -> bool:
        return _has_secrets(client) and _fits(client, presented, secrets.matches)


class Basic(Secret):
    reads_header = True

    def proves(self, client: ClientFacts | None, presented: Credentials) -> bool:
        """Libraries send a public client's client_id with an empty password, which is none."""
        if client is not None and client.public:
            return not presented.readings
        return super().proves(client, presented)

    def used(self, sent: Sent) -> bool:
        return (sent.authorization or "").partition(" ")[0].lower() == "basic"

    def read(self, sent: Sent) -> Credentials:
        _scheme, _space, value = (sent.authorization or "").partition(" ")
        client_id, secret, unencoded = _decode(value.strip())
        in_body = sent.params.one("client_id")
        if in_body and in_body != client_id:
            raise InvalidRequest("client_id in the body is not the one in the Authorization header.")
        return Credentials(client_id, secret, by_header=True, unencoded=unencoded)


class Post(Secret):
    parameters = ("client_secret",)

    def used(self, sent: Sent) -> bool:
        return bool(sent.params.one("client_secret"))

    def read(self, sent: Sent) -> Credentials:
        return Credentials(sent.params.one("client_id"), sent.params.one("client_secret"))


class Nothing(Method):
    """What is left when no credentials were sent."""

    public = True

    def used(self, sent: Sent) -> bool:
        return False

    def read(self, sent: Sent) -> Credentials:
        return Credentials(sent.params.one("client_id"), None)

    def proves(self, client: ClientFacts | None, presented: Credentials) -> bool:
        """A public client has nothing to prove; any other takes the time of a wrong secret."""
        return (
            client.public if client is not None and client.public else _fits(client, presented, secrets.matches_quickly)
        )


def _has_secrets(client: ClientFacts | None) -> bool:
    return client is not None and not client.public and client.uses_secrets


def _decode(value: str) -> tuple[str, str, str | None]:
    """client_id, secret, and the secret as it was sent where that is another one.

    Both parts are form-encoded before they are joined (RFC 6749 section 2.3.1). Many programs leave that out, which
    shows in secrets with `+` or `%` only.
    """
    try:
        text = base64.b64decode(value, validate=True).decode()
        client_id, colon, sent = text.partition(":")
        client_id = decoded(client_id)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidClient("The Authorization header is malformed.", challenge=True) from None
    try:
        secret = decoded(sent)
    except UnicodeDecodeError:
        secret = sent
    if not colon or "\0" in client_id + secret:
        raise InvalidClient("The Authorization header is malformed.", challenge=True)
    return client_id, secret, sent if sent != secret else None


@dataclass(slots=True)
class _Secret:
    """A secret that was not revoked."""

    id: int
    digest: str = field(repr=False)
    expires_at: datetime | None
    last_used_at: datetime | None


def _load_secrets(clients: Collection[int]) -> dict[int, list[_Secret]]:
    """By the row of the client, those first that are compared quickly."""
    found: dict[int, list[_Secret]] = {}
    rows = ClientSecret.objects.filter(client__in=clients, slot__isnull=False)
    for row in sorted(rows, key=lambda row: secrets.is_slow(row.digest)):
        kept = _Secret(row.pk, row.digest, row.expires_at, row.last_used_at)
        found.setdefault(row.client_id, []).append(kept)
    return found


def _live_secrets(client: ClientFacts, now: datetime) -> list[_Secret]:
    kept = cache.find(_load_secrets, client.id) or ()
    return [one for one in kept if one.expires_at is None or one.expires_at > now]


def _fits(client: ClientFacts | None, presented: Credentials, matches: Callable[[str, str], bool]) -> bool:
    """Compare with the live secrets of the client; for an unknown one with a decoy."""
    now = clock.now()
    live, readings = _live_secrets(client, now) if client is not None else [], presented.readings
    fitting = next((one for one in live for reading in readings if matches(reading, one.digest)), None)
    if not (live and readings):
        secrets.matches_quickly(presented.secret or "", secrets.decoy())
    if fitting and (fitting.last_used_at is None or fitting.last_used_at < now - _LAST_USED_RESOLUTION):
        _note_use(fitting, now)
    return fitting is not None


def _note_use(secret: _Secret, now: datetime) -> None:
    """Once an hour, whichever process is first."""
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _LAST_USED_RESOLUTION)
    ClientSecret.objects.filter(stale, pk=secret.id).update(last_used_at=now)
    secret.last_used_at = now
