"""What a step may read, and the few things it may decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from urllib.parse import urlencode

from projects.sign_in import NOWHERE, Belongs
from provider.protocol.channel import Channel
from provider.protocol.claims import within
from provider.protocol.confirmation import NOT_BOUND, Confirmation
from provider.protocol.errors import Refusal
from provider.protocol.facts import (
    NO_CEILING,
    NO_CHALLENGE,
    NO_CLAIMS,
    Ceiling,
    Challenge,
    ClientFacts,
    Exchanged,
    Registry,
    RequestedClaims,
)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What stood in for parameters: a reference to a pushed request, or a request object, or one inside the other."""

    pairs: tuple[tuple[str, str], ...] = ()  # of the URI that stands for them all
    pushed: str = ""  # the digest of the reference
    signed: bool = False  # they are what a request object says
    fault: Refusal | None = None  # why they are not


PLAIN = Wrapped()


class Params:
    """Parameters as sent, in order. Only `audience` and `resource` may repeat (refused before steps run).

    One without a value counts as omitted (RFC 6749 section 3.1), whoever asks; only repeats are counted with it.
    `wrapped`: what they came in, if not as they are.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]] = (), wrapped: Wrapped = PLAIN) -> None:
        self.pairs = tuple(pairs)
        self.wrapped = wrapped
        self._values: dict[str, list[str]] = {}
        for name, value in self.pairs:
            if value:
                self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def one(self, name: str) -> str:
        """The value of a single-valued parameter, or an empty text."""
        sent = self._values.get(name)
        return sent[0] if sent else ""

    def many(self, name: str) -> list[str]:
        return list(self._values.get(name, ()))

    def has(self, name: str) -> bool:
        return name in self._values

    def sent_twice(self, name: str) -> bool:
        return [sent for sent, _value in self.pairs].count(name) > 1

    @property
    def query(self) -> str:
        """The query of a URI that asks for the same once more."""
        return urlencode(self.wrapped.pairs or self.pairs)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person left ticked, or everything where nobody had to be asked."""

    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    ends_at: datetime | None = None  # sooner than the project says; None: they chose nothing of the kind
    parts: tuple[str, ...] = ()  # of audiences that were not left whole: addresses below them


@dataclass
class AuthorizationRequest:
    """A request at the authorization endpoint. Steps may run several times: they only assign what they decide."""

    params: Params
    channel: Channel
    registry: Registry = field(default_factory=Registry)
    choice: Choice | None = None  # None: not made yet
    granted: Choice = Choice()  # what the person allowed the project before, where this client shares it

    # Decided by the steps:
    asked_scopes: tuple[str, ...] = ()
    asked_audiences: tuple[str, ...] = ()
    implied_scopes: tuple[str, ...] = ()
    implied_audiences: tuple[str, ...] = ()
    default_audiences: tuple[str, ...] = ()  # of the implied ones those a token gets that names none
    claims: RequestedClaims = NO_CLAIMS
    claim_scopes: tuple[str, ...] = ()  # what those claims are shown as; a token has these scopes only when it asks
    access_type_scopes: tuple[str, ...] = ()  # what only `access_type` asks for: no token's scope names it unasked
    included_scopes: tuple[str, ...] = ()
    included_audiences: tuple[str, ...] = ()
    targets: tuple[ClientFacts, ...] = ()
    challenge: Challenge = NO_CHALLENGE

    @property
    def client(self) -> ClientFacts:
        return self.channel.client

    @property
    def ceiling(self) -> Ceiling:
        """What was decided, narrowed to what the person left ticked."""
        scopes = self._ticked_scopes(self.asked_scopes, self.included_scopes)
        audiences = self._ticked_audiences(self.asked_audiences)
        every_scope = self._ticked_scopes(scopes, self.implied_scopes, self.claim_scopes, self.access_type_scopes)
        return Ceiling(
            scopes=every_scope,
            audiences=self._ticked_audiences(self.asked_audiences, self.implied_audiences, self.included_audiences),
            asked_scopes=scopes,
            asked_audiences=audiences,
            default_audiences=self._ticked_audiences(self.default_audiences),
            offline="refresh_token" in self.client.grant_types
            and ("offline_access" in every_scope or "openid" not in (*self.asked_scopes, *self.included_scopes)),
            narrowed=audiences != self.asked_audiences,
            claims=within(every_scope, self.claims, self.client.project),
        )

    def _ticked_scopes(self, *several: tuple[str, ...]) -> tuple[str, ...]:
        return _within(several, None if self.choice is None else self.choice.scopes)

    def _ticked_audiences(self, *several: tuple[str, ...]) -> tuple[str, ...]:
        """All of one that is ticked, or the parts of it that another page than ours left."""
        each = dict.fromkeys(one for values in several for one in values)
        if self.choice is None:
            return tuple(each)
        ticked, parts = self.choice.audiences, self.choice.parts
        left = [[one] if one in ticked else [part for part in parts if self.registry.covers(one, part)] for one in each]
        return tuple(dict.fromkeys(one for some in left for one in some))


def _within(several: tuple[tuple[str, ...], ...], limit: tuple[str, ...] | None) -> tuple[str, ...]:
    """All of them in order, each once, within the limit if there is one."""
    each = dict.fromkeys(one for values in several for one in values)
    return tuple(one for one in each if limit is None or one in limit)


class Subject(Enum):
    """Of whom the tokens speak (RFC 9068 section 2.2)."""

    PERSON = "person"  # within the ceiling of what they allowed
    CLIENT = "client"  # within its own allowlist and scopes


@dataclass
class TokenRequest:
    """A request at the token endpoint: the client authenticated, and what it presented opened."""

    params: Params
    client: ClientFacts
    registry: Registry = field(default_factory=Registry)
    subject: Subject = Subject.PERSON
    ceiling: Ceiling = NO_CEILING  # of what a person allowed
    challenge: Challenge = NO_CHALLENGE
    shown: Confirmation = NOT_BOUND  # what the request proved to have: its tokens are bound to it
    exchanged: Exchanged | None = None  # another token was presented (RFC 8693)
    belongs: Belongs = NOWHERE  # the person, for whoever lets in by groups or roles

    # Decided by the steps:
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    targets: tuple[ClientFacts, ...] = ()
    target: ClientFacts | None = None  # the ID token is for this sibling
    narrowed: bool = False  # the granted audience is not what was asked: the answer says so
    id_token_alone: bool = False  # no access token: an exchange issues one token

    @property
    def of_a_person(self) -> bool:
        return self.subject is Subject.PERSON

    @property
    def has_ceiling(self) -> bool:
        """Whether more than the client's registration bounds it: what a person allowed, or what a token held."""
        return self.of_a_person or self.exchanged is not None
