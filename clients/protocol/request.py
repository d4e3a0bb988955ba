"""What a step may read, and the few things it may decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from clients.protocol.claims import within
from clients.protocol.facts import (
    NO_CHALLENGE,
    NO_CLAIMS,
    Ceiling,
    Challenge,
    ClientFacts,
    Registry,
    RequestedClaims,
)


class Params:
    """Parameters as sent, in order. Only `audience` and `resource` may repeat (refused before steps run)."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def one(self, name: str) -> str:
        """The value of a single-valued parameter; an empty one counts as omitted (RFC 6749 section 3.1)."""
        return next((value for key, value in self.pairs if key == name and value), "")

    def many(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def has(self, name: str) -> bool:
        return any(key == name for key, _value in self.pairs)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person left ticked."""

    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()


@dataclass
class AuthorizationRequest:
    """A request at the authorization endpoint. Steps may run several times: they only assign what they decide."""

    params: Params
    client: ClientFacts
    registry: Registry = field(default_factory=Registry)
    choice: Choice | None = None  # None: the person was not asked, or not yet

    # Decided by the steps:
    asked_scopes: tuple[str, ...] = ()
    asked_audiences: tuple[str, ...] = ()
    implied_scopes: tuple[str, ...] = ()
    implied_audiences: tuple[str, ...] = ()
    claims: RequestedClaims = NO_CLAIMS
    claim_scopes: tuple[str, ...] = ()  # what those claims are shown as; a token has these scopes only when it asks
    targets: tuple[ClientFacts, ...] = ()
    challenge: Challenge = NO_CHALLENGE

    @property
    def ceiling(self) -> Ceiling:
        """What was decided, narrowed to what the person left ticked."""
        scopes, audiences = self.asked_scopes, self.asked_audiences
        implied_scopes, implied_audiences = (*self.implied_scopes, *self.claim_scopes), self.implied_audiences
        if self.choice is not None:
            scopes = tuple(one for one in scopes if one in self.choice.scopes)
            audiences = tuple(one for one in audiences if one in self.choice.audiences)
            implied_scopes = tuple(one for one in implied_scopes if one in self.choice.scopes)
            implied_audiences = tuple(one for one in implied_audiences if one in self.choice.audiences)
        return Ceiling(
            scopes=tuple(dict.fromkeys((*scopes, *implied_scopes))),
            audiences=tuple(dict.fromkeys((*audiences, *implied_audiences))),
            asked_scopes=scopes,
            asked_audiences=audiences,
            offline="refresh_token" in self.client.grant_types
            and ("offline_access" in scopes or "openid" not in self.asked_scopes),
            narrowed=len(audiences) < len(self.asked_audiences),
            claims=within((*scopes, *implied_scopes), self.claims),
        )


@dataclass
class TokenRequest:
    """A request at the token endpoint, the client authenticated and its code or refresh token loaded."""

    grant_type: str
    params: Params
    client: ClientFacts
    registry: Registry = field(default_factory=Registry)
    ceiling: Ceiling | None = None  # None: client credentials, the allowlist is the ceiling
    challenge: Challenge = NO_CHALLENGE

    # Decided by the steps:
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    targets: tuple[ClientFacts, ...] = ()
    target: ClientFacts | None = None  # the ID token is for this sibling
    narrowed: bool = False  # the granted audience is not what was asked: the answer says so
