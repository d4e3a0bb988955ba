"""Refresh token generations in the database: one row decides who was first.

Part of the store. The rules are `clients.protocol.refresh`; here they meet parallel connections.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from clients.models import Authorization, RefreshToken
from clients.oauth.mint import digest
from clients.protocol.errors import InvalidGrant
from clients.protocol.facts import ClientFacts
from clients.protocol.refresh import MAX_SIBLINGS, Rotation, Use, judge

UNUSABLE = "The code or refresh token is unknown, expired, revoked, used already or another client's."


class Reused(InvalidGrant):
    """A code or refresh token came a second time: its Authorization must end."""

    def __init__(self, authorization_id: str, what: str) -> None:
        super().__init__(UNUSABLE)
        self.authorization_id = authorization_id
        self.what = what


def use_of(authorization: Authorization, token_digest: str, generation: int) -> Use:
    """What presenting this refresh token means now; raises Reused."""
    rotation = Rotation(
        authorization.generation, authorization.rotated_at, authorization.rotated_from, authorization.siblings
    )
    grace = timedelta(seconds=settings.IDP_REFRESH_GRACE_SECONDS)
    use = judge(rotation, token_digest, generation, timezone.now(), grace)
    if use is Use.REUSE:
        raise Reused(str(authorization.pk), "refresh token")
    return use


def advance(authorization_id: str, token_digest: str, generation: int, now: datetime) -> int:
    """Compare and set on the Authorization; the generation of the token to issue.

    One of several parallel refreshes is first, the others are replays within the grace window; raises InvalidGrant.
    """
    row = Authorization.objects.filter(pk=authorization_id, ended_at__isnull=True)
    first = row.filter(generation=generation).update(
        generation=F("generation") + 1, rotated_at=now, rotated_from=token_digest, siblings=0
    )
    if first:
        return generation + 1
    authorization = row.first()
    if authorization is None or use_of(authorization, token_digest, generation) is not Use.REPLAY:
        raise InvalidGrant(UNUSABLE)
    siblings = row.filter(generation=generation + 1, rotated_from=token_digest, siblings__lt=MAX_SIBLINGS)
    if not siblings.update(siblings=F("siblings") + 1):
        raise InvalidGrant(UNUSABLE)
    return generation + 1


def use_again(token_digest: str, client: ClientFacts, authorized_at: datetime, now: datetime) -> None:
    """A refresh token that does not rotate stays; only its idle lifetime starts anew."""
    if client.refresh_token_idle_lifetime is not None:
        RefreshToken.objects.filter(digest=token_digest).update(expires=_expiry(client, authorized_at, now))


def keep(
    token: str, authorization_id: str, generation: int, client: ClientFacts, authorized_at: datetime, now: datetime
) -> None:
    """Keep a new refresh token of this generation."""
    RefreshToken.objects.create(
        digest=digest(token),
        authorization_id=authorization_id,
        generation=generation,
        expires=_expiry(client, authorized_at, now),
    )


def _expiry(client: ClientFacts, authorized_at: datetime, now: datetime) -> datetime | None:
    """The earlier of the absolute and the idle lifetime."""
    ends = []
    if client.refresh_token_lifetime is not None:
        ends.append(authorized_at + timedelta(seconds=client.refresh_token_lifetime))
    if client.refresh_token_idle_lifetime is not None:
        ends.append(now + timedelta(seconds=client.refresh_token_idle_lifetime))
    return min(ends, default=None)
