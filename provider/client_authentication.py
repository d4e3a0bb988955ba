"""How a client proves who it is (RFC 6749 section 2.3): exactly one method per request."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from django.db.models import Q
from django.utils import timezone

from clients import secrets
from clients.models import ClientSecret
from common import cache
from provider import throttle
from provider.facts import find_client
from provider.protocol.errors import InvalidClient, InvalidRequest, TooManyGuesses
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params

METHODS = ("client_secret_basic", "client_secret_post", "none")
_LAST_USED_RESOLUTION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was presented. `secret` None: nothing was."""

    client_id: str
    secret: str | None = field(repr=False)
    by_header: bool


def authenticate(params: Params, authorization: str | None, address: str) -> ClientFacts:
    """The enabled client these credentials belong to, else InvalidClient; a public client needs none."""
    presented = read(params, authorization)
    if presented.secret is not None and throttle.blocked(presented.client_id, address):
        raise TooManyGuesses(throttle.WINDOW)
    client = find_client(presented.client_id)
    if client is not None and client.public:
        proved = presented.secret is None
    else:
        proved = _secret_fits(client, presented.secret)
    if client is None or not proved or not client.enabled:
        if presented.secret is not None:
            throttle.failed(presented.client_id, address)
        raise InvalidClient(challenge=presented.by_header)
    return client


def read(params: Params, authorization: str | None) -> Credentials:
    """The one method used. A failed header is never rescued by the body."""
    in_body = params.one("client_id")
    secret_in_body = params.one("client_secret")
    if params.one("client_assertion") or params.one("client_assertion_type"):
        raise InvalidClient("client_assertion is not supported. Use a client secret.", challenge=bool(authorization))
    if authorization is None:
        return Credentials(in_body, secret_in_body or None, by_header=False)
    scheme, _space, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("Use HTTP Basic, or client_id and client_secret in the body.", challenge=True)
    if secret_in_body:
        raise InvalidRequest("Use one way of client authentication, not two.")
    client_id, secret = _decode_basic(value.strip())
    if in_body and in_body != client_id:
        raise InvalidRequest("client_id in the body is not the one in the Authorization header.")
    return Credentials(client_id, secret, by_header=True)


def _decode_basic(value: str) -> tuple[str, str]:
    """RFC 6749 section 2.3.1: both parts are form-encoded before they are joined."""
    try:
        text = base64.b64decode(value, validate=True).decode()
        client_id, colon, secret = text.partition(":")
        parts = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidClient("The Authorization header is malformed.", challenge=True) from None
    if not colon or "\0" in "".join(parts):
        raise InvalidClient("The Authorization header is malformed.", challenge=True)
    return parts


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


def _secret_fits(client: ClientFacts | None, secret: str | None) -> bool:
    """Compare with the live secrets of the client; for an unknown one with a decoy."""
    now = timezone.now()
    kept = cache.look_up(_load_secrets, [client.id]).get(client.id, []) if client is not None else []
    live = [one for one in kept if one.expires_at is None or one.expires_at > now]
    fitting = next((one for one in live if secrets.matches(secret or "", one.digest)), None)
    if not live:
        secrets.matches(secret or "", secrets.decoy())
    if fitting and (fitting.last_used_at is None or fitting.last_used_at < now - _LAST_USED_RESOLUTION):
        _note_use(fitting, now)
    return fitting is not None


def _note_use(secret: _Secret, now: datetime) -> None:
    """Once an hour, whichever process is first."""
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - _LAST_USED_RESOLUTION)
    ClientSecret.objects.filter(stale, pk=secret.id).update(last_used_at=now)
    secret.last_used_at = now
