"""Refresh token generations in the database: one row decides who was first.

Part of the store. The rules are `provider.protocol.refresh`; here they meet parallel connections.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings

from common.sql import Insert, write
from provider.keys.mint import digest
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import ClientFacts
from provider.protocol.refresh import Rotation, Use, judge, successor
from provider.store import statements
from provider.store.presented import UNUSABLE, Following, Reused
from provider.store.statements import AuthorizationRow


@dataclass(frozen=True, slots=True)
class Rotating:
    """A refresh token that another one follows: the generation of its Authorization advances."""

    renews: ClassVar[bool] = True

    token: str = field(repr=False)
    seed: str = field(repr=False)
    authorization_id: uuid.UUID
    authorized_at: datetime
    generation: int
    use: Use

    def successor(self) -> str:
        """The same for everybody who presents this token, whoever is first."""
        return successor(self.token, self.seed)

    def keep(self, rows: Sequence[Insert], following: Following, client: ClientFacts, now: datetime) -> None:
        """Compare and set on the Authorization, and keep these rows with it; raises InvalidGrant.

        One of several parallel refreshes is first and keeps the successor. The others are replays within the grace
        window, which keep no more than their access token: it dies with the Authorization, should that end just now.
        """
        if self.use is Use.CURRENT:
            next_one = row(following, self.authorization_id, self.generation + 1, client, self.authorized_at, now)
            begin = statements.rotate(self.authorization_id, digest(self.token), self.generation, secrets.token_hex())
            if write([*rows, next_one] if following else rows, begin):
                return
            if _use_now(self.token) is not Use.REPLAY:  # somebody was quicker
                raise InvalidGrant(UNUSABLE)
        write(rows)


@dataclass(frozen=True, slots=True)
class Staying:
    """A refresh token that does not rotate: only its end moves.

    An idle lifetime starts anew, and lifetimes that the client got since it was issued count from here on.
    """

    renews: ClassVar[bool] = False

    digest: str
    authorization_id: uuid.UUID
    authorized_at: datetime
    expires: datetime | None

    def successor(self) -> str:
        return ""

    def keep(self, rows: Sequence[Insert], following: Following, client: ClientFacts, now: datetime) -> None:
        anew = expiry(client, self.authorized_at, now)
        moved = anew != self.expires
        guard = statements.prolong(self.digest, self.authorization_id, anew) if moved else None
        if not write(rows, guard):
            raise InvalidGrant(UNUSABLE)


def spend_of(found: statements.Refresh, token: str, client: ClientFacts) -> Rotating | Staying:
    """How this refresh token is spent; raises Reused when somebody else has it too."""
    authorization = found.authorization
    use = use_of(authorization, digest(token), found.generation)
    if not client.rotates and use is Use.CURRENT:
        return Staying(digest(token), authorization.id, authorization.created_at, found.expires)
    seed = authorization.seed if use is Use.CURRENT else authorization.seed_before
    return Rotating(token, seed, authorization.id, authorization.created_at, found.generation, use)


def use_of(authorization: AuthorizationRow, token_digest: str, generation: int) -> Use:
    """What presenting this refresh token means now; raises Reused."""
    rotation = Rotation(authorization.generation, authorization.rotated_from, authorization.rotated_seconds_ago)
    use = judge(rotation, token_digest, generation, settings.IDP_REFRESH_GRACE_SECONDS)
    if use is Use.REUSE:
        raise Reused(authorization.id, "refresh token")
    return use


def _use_now(token: str) -> Use:
    """Judge once more, by what the database says now."""
    found = statements.refresh_token(digest(token))
    if found is None or found.authorization.ended_at is not None:
        raise InvalidGrant(UNUSABLE)
    return use_of(found.authorization, digest(token), found.generation)


def row(
    following: Following,
    authorization_id: uuid.UUID,
    generation: int,
    client: ClientFacts,
    authorized_at: datetime,
    now: datetime,
) -> Insert:
    """A new refresh token of this generation."""
    return statements.new_refresh_token(
        digest=digest(following.token),
        authorization_id=authorization_id,
        generation=generation,
        created=now,
        expires=expiry(client, authorized_at, now),
        cnf=following.bound.text,
    )


def expiry(client: ClientFacts, authorized_at: datetime, now: datetime) -> datetime | None:
    """The earlier of the absolute and the idle lifetime."""
    ends = []
    if client.refresh_token_lifetime is not None:
        ends.append(authorized_at + timedelta(seconds=client.refresh_token_lifetime))
    if client.refresh_token_idle_lifetime is not None:
        ends.append(now + timedelta(seconds=client.refresh_token_idle_lifetime))
    return min(ends, default=None)
