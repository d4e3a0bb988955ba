"""Refresh token generations in the database: one row decides who was first.

Part of the store. The rules are `provider.protocol.refresh`; here they meet parallel connections.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from common.sql import Insert, write
from provider.keys.mint import digest
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import ClientFacts
from provider.protocol.refresh import Rotation, Use, judge
from provider.store import statements
from provider.store.statements import AuthorizationRow

UNUSABLE = "The code or refresh token is unknown, expired, revoked, used already or another client's."


class Reused(InvalidGrant):
    """A code or refresh token came a second time: its Authorization must end."""

    def __init__(self, authorization_id: str, what: str) -> None:
        super().__init__(UNUSABLE)
        self.authorization_id = authorization_id
        self.what = what


def use_of(authorization: AuthorizationRow, token_digest: str, generation: int) -> Use:
    """What presenting this refresh token means now; raises Reused."""
    rotation = Rotation(
        authorization.generation, authorization.rotated_at, authorization.rotated_from, authorization.siblings
    )
    use = judge(rotation, token_digest, generation, timezone.now(), _grace())
    if use is Use.REUSE:
        raise Reused(str(authorization.id), "refresh token")
    return use


def advance(
    authorization_id: str, token_digest: str, generation: int, use: Use, inserts: Sequence[Insert], now: datetime
) -> None:
    """Compare and set on the Authorization, and keep these rows with it; raises InvalidGrant.

    One of several parallel refreshes is first, the others are replays within the grace window.
    """
    row = uuid.UUID(authorization_id)
    if use is Use.CURRENT:
        if write(inserts, statements.rotate(row, token_digest, generation, now)):
            return
        use = _use_now(token_digest)  # somebody was quicker
    sibling = statements.add_sibling(row, token_digest, generation, now - _grace())
    if use is not Use.REPLAY or not write(inserts, sibling):
        _use_now(token_digest)
        raise InvalidGrant(UNUSABLE)


def _use_now(token_digest: str) -> Use:
    """Judge once more, by what the database says now."""
    found = statements.refresh_token(token_digest)
    if found is None or found.authorization.ended_at is not None:
        raise InvalidGrant(UNUSABLE)
    return use_of(found.authorization, token_digest, found.generation)


def _grace() -> timedelta:
    return timedelta(seconds=settings.IDP_REFRESH_GRACE_SECONDS)


def use_again(
    token_digest: str,
    client: ClientFacts,
    authorized_at: datetime,
    expires: datetime | None,
    inserts: Sequence[Insert],
    now: datetime,
) -> None:
    """A refresh token that does not rotate stays; only its end moves.

    An idle lifetime starts anew, and lifetimes that the client got since it was issued count from here on.
    """
    anew = _expiry(client, authorized_at, now)
    guard = statements.prolong(token_digest, anew) if anew != expires else None
    if not write(inserts, guard):
        raise InvalidGrant(UNUSABLE)


def row(
    token: str, authorization_id: str, generation: int, client: ClientFacts, authorized_at: datetime, now: datetime
) -> Insert:
    """A new refresh token of this generation."""
    return statements.new_refresh_token(
        digest=digest(token),
        authorization_id=uuid.UUID(authorization_id),
        generation=generation,
        created=now,
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
