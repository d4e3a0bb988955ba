"""What a token request stands on: whose it is, what it allows, what can end it, and how it is spent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple, Protocol

from common.sql import Insert, write
from provider.protocol.confirmation import NOT_BOUND, Confirmation
from provider.protocol.errors import InvalidGrant
from provider.protocol.facts import (
    NO_CEILING,
    NO_CHALLENGE,
    Ceiling,
    Challenge,
    ClientFacts,
    Exchanged,
    PersonFacts,
    SignInFacts,
)
from provider.protocol.request import Subject
from provider.store.statements import AuthorizationRow

UNUSABLE = "The code or refresh token is unknown, expired, revoked, used already or another client's."


class Reused(InvalidGrant):
    """A code or refresh token came a second time: its Authorization must end."""

    def __init__(self, authorization_id: uuid.UUID, what: str) -> None:
        super().__init__(UNUSABLE)
        self.authorization_id = authorization_id
        self.what = what


@dataclass(frozen=True, slots=True)
class Following:
    """The refresh token that follows what was presented, and what it is bound to."""

    token: str = field(default="", repr=False)  # empty: none follows
    bound: Confirmation = NOT_BOUND

    def __bool__(self) -> bool:
        return bool(self.token)


NONE_FOLLOWS = Following()


class Spend(Protocol):
    """How what was presented is used up, together with the rows that are kept for it: all of it or nothing."""

    renews: ClassVar[bool]  # whether a refresh token follows it, where the client and the person allow one

    def successor(self) -> str:
        """That refresh token; empty: there is none."""

    def keep(self, rows: Sequence[Insert], following: Following, client: ClientFacts, now: datetime) -> None:
        """Keep these rows, and the refresh token if there is one; raises InvalidGrant if it was spent since."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to use up, and no refresh token: nothing was presented, or a token that goes on as it was."""

    renews: ClassVar[bool] = False

    def successor(self) -> str:
        return ""

    def keep(self, rows: Sequence[Insert], following: Following, client: ClientFacts, now: datetime) -> None:
        if rows:  # a JWT needs none
            write(rows)


NOTHING = Nothing()


class Presented(NamedTuple):
    """What a grant opened. It may have ended all the same: that is `live.refuse_ended`'s to say."""

    subject: Subject
    spend: Spend
    issued_at: datetime
    expires: datetime | None = None  # None: until it is revoked
    behind: tuple[AuthorizationRow, ...] = ()  # every one of them has to live
    found_alive: bool = False  # whoever found them has just asked
    authorization_id: uuid.UUID | None = None  # what the new tokens hang from
    ceiling: Ceiling = NO_CEILING
    person: PersonFacts | None = None
    sign_in: SignInFacts | None = None
    challenge: Challenge = NO_CHALLENGE
    redirect_uri: str = ""
    nonce: str = ""
    bound: Confirmation = NOT_BOUND  # whoever presents it has to show the same
    exchanged: Exchanged | None = None  # it is a subject token: nothing that follows outlives `expires`

    @property
    def sub(self) -> str:
        """Whom it speaks of; empty: nobody."""
        return self.person.sub if self.person else ""
