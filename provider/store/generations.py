"""Refresh token generations in the database: one row decides who was first.

Part of the store. The rules are `provider.protocol.refresh`; here they meet parallel connections.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.utils import timezone

from common.sql import Insert, write
from provider.keys.mint import digest
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import ClientFacts
from provider.protocol.refresh import Rotation, Use, judge
from provider.store import statements
from provider.store.presented import UNUSABLE, Reused
from provider.store.statements import AuthorizationRow


@dataclass(frozen=True, slots=True)
class Rotating:
    """A refresh token that another one follows: the generation of its Authorization advances."""

    renews: ClassVar[bool] = True

    digest: str
    authorization_id: uuid.UUID
    authorized_at: datetime
    generation: int
    use: Use

    def keep(self, rows: Sequence[Insert], refresh_token: str, client: ClientFacts, now: datetime) -> None:
        """Compare and set on the Authorization, and keep these rows with it; raises InvalidGrant.

        One of several parallel refreshes is first, the others are replays within the grace window.
        """
        following = row(refresh_token, self.authorization_id, self.generation + 1, client, self.authorized_at, now)
        rows = [*rows, following] if refresh_token else rows
        use = self.use
        if use is Use.CURRENT:
            if write(rows, statements.rotate(self.authorization_id, self.digest, self.generation, now)):
                return
            use = _use_now(self.digest)  # somebody was quicker
        sibling = statements.add_sibling(self.authorization_id, self.digest, self.generation, now - _grace())
        if use is not Use.REPLAY or not write(rows, sibling):
            _use_now(self.digest)
            raise InvalidGrant(UNUSABLE)


@dataclass(frozen=True, slots=True)
class Staying:
    """A refresh token that does not rotate: only its end moves.

    An idle lifetime starts anew, and lifetimes that the client got since it was issued count from here on.
    """

    renews: ClassVar[bool] = False

    digest: str
    authorized_at: datetime
    expires: datetime | None

    def keep(self, rows: Sequence[Insert], refresh_token: str, client: ClientFacts, now: datetime) -> None:
        anew = _expiry(client, self.authorized_at, now)
        guard = statements.prolong(self.digest, anew) if anew != self.expires else None
        if not write(rows, guard):
            raise InvalidGrant(UNUSABLE)


def spend_of(token: statements.Refresh, token_digest: str, client: ClientFacts) -> Rotating | Staying:
    """How this refresh token is spent; raises InvalidGrant, and Reused when somebody else has it too."""
    authorization = token.authorization
    use = use_of(authorization, token_digest, token.generation)
    if use is Use.CROWDED:
        raise InvalidGrant(UNUSABLE)
    if not client.rotates and use is Use.CURRENT:
        return Staying(token_digest, authorization.created_at, token.expires)
    return Rotating(token_digest, authorization.id, authorization.created_at, token.generation, use)


def use_of(authorization: AuthorizationRow, token_digest: str, generation: int) -> Use:
    """What presenting this refresh token means now; raises Reused."""
    rotation = Rotation(
        authorization.generation, authorization.rotated_at, authorization.rotated_from, authorization.siblings
    )
    use = judge(rotation, token_digest, generation, timezone.now(), _grace())
    if use is Use.REUSE:
        raise Reused(authorization.id, "refresh token")
    return use


def _use_now(token_digest: str) -> Use:
    """Judge once more, by what the database says now."""
    found = statements.refresh_token(token_digest)
    if found is None or found.authorization.ended_at is not None:
        raise InvalidGrant(UNUSABLE)
    return use_of(found.authorization, token_digest, found.generation)


def _grace() -> timedelta:
    return timedelta(seconds=settings.IDP_REFRESH_GRACE_SECONDS)


def row(
    token: str,
    authorization_id: uuid.UUID,
    generation: int,
    client: ClientFacts,
    authorized_at: datetime,
    now: datetime,
) -> Insert:
    """A new refresh token of this generation."""
    return statements.new_refresh_token(
        digest=digest(token),
        authorization_id=authorization_id,
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
