"""What a step may know: frozen facts, loaded before the steps run. Nothing here can query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from common.json_type import Json as Json
from projects.addresses import Addresses
from projects.facts import ApiFacts, Apis, ProjectFacts
from projects.matcher import Mode
from projects.sign_in import ANYONE, Belongs, Rule
from provider.protocol.confirmation import NOT_BOUND, Confirmation

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type (RFC 8693)
CONFIDENTIAL_ONLY = frozenset({"client_credentials", TOKEN_EXCHANGE})  # grants that only who proves itself may use


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the allowlist."""

    value: str
    mode: Mode = "prefix"
    default: bool = False


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """A client as the protocol sees it. Lifetimes in seconds; None: no limit."""

    id: int
    client_id: str
    project: ProjectFacts
    name: str = ""
    enabled: bool = True
    public: bool = False
    registered_by_administrator: bool = True
    grant_types: frozenset[str] = frozenset()
    redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    allowlist: tuple[Entry, ...] = ()
    access_token_format: str = "opaque"  # noqa: S105 - a format
    access_token_lifetime: int = 3600
    id_token_lifetime: int = 3600
    refresh_token_lifetime: int | None = None
    refresh_token_idle_lifetime: int | None = None
    id_token_algorithm: str = "RS256"  # noqa: S105 - an algorithm
    userinfo_algorithm: str = ""  # empty: plain JSON
    authorization_algorithm: str = "RS256"  # of signed authorization responses
    request_object_algorithm: str = ""  # what signs its requests, which have to be signed then; empty: need not be
    response_types: frozenset[str] = frozenset({"code"})  # those the deployment offers it
    pushes: bool = False  # its authorization requests have to be pushed: it, its project or the deployment says so
    require_pkce: bool = False
    rotates: bool = False
    introspection: str = "own"
    introspects: frozenset[str] = frozenset()
    acts_for: tuple[str, ...] = ()
    allowed_callers: frozenset[str] = frozenset()
    cross_client_public: bool = False
    tokens_not_before: datetime | None = None
    dpop_bound: bool = False  # its access tokens are always bound to a key
    auth_method: str = "client_secret_basic"
    assertion_algorithm: str = ""  # empty: whichever its keys are for
    jwks: str = ""  # its keys, as JSON (RFC 7517)
    jwks_uri: str = ""
    certificate_bound: bool = False  # and these to the certificate it connects with
    certificate_names: tuple[tuple[str, str], ...] = ()  # what names the certificate that proves who it is, by kind
    profile: str = ""  # its own, or its project's
    native: bool = False  # it takes the port that it gets, on the person's device
    pages: tuple[tuple[str, str], ...] = ()  # addresses that it says are its own, by the names of RFC 7591
    default_max_age: int | None = None  # seconds, where a request names none
    default_acrs: tuple[str, ...] = ()
    document_read_at: datetime | None = None  # of a guest whose id is its address: the one that its row follows
    document_gone_since: datetime | None = None
    asks_offline: bool = False  # whoever signs in is asked for offline access, too, whatever the request says
    default_scopes: tuple[str, ...] = ()  # of a guest: what it asks for where it names none
    sign_in: Rule = ANYONE  # whom it lets in, of those whom its project does
    entries: Addresses[Entry] = field(init=False, compare=False, repr=False)  # the allowlist, found by path

    def __post_init__(self) -> None:
        found = Addresses((entry.value, entry.mode, entry) for entry in self.allowlist)
        object.__setattr__(self, "entries", found)  # once, while it is made

    @property
    def guest(self) -> bool:
        """Whether it is of no project. `project` is then `OUTSIDE`, or the terms of one that let it in."""
        return self.project.to_guests

    @property
    def project_key(self) -> str:
        """Empty: it is of none."""
        return self.project.key

    @property
    def uses_secrets(self) -> bool:
        return self.auth_method.startswith("client_secret_")

    def may_use(self, grant_type: str) -> bool:
        """Whether the client registered this grant; a public one never speaks for itself (RFC 6749 section 4.4)."""
        return grant_type in self.grant_types and not (self.public and grant_type in CONFIDENTIAL_ONLY)


@dataclass(frozen=True, slots=True)
class Registry:
    """Other clients named in the request, and the APIs its audiences may belong to."""

    clients: Mapping[str, ClientFacts] = field(default_factory=dict)
    apis: Apis = field(default_factory=Apis)

    def target(self, value: str) -> ClientFacts | None:
        """The client an administrator registered under this id, if the request names one (protocol section 1)."""
        other = self.clients.get(value)
        return other if other is not None and other.registered_by_administrator else None

    def resolve(self, value: str) -> ApiFacts | None:
        """The most specific registered Api that covers `value`."""
        return self.apis.resolve(value)

    def registered_value(self, value: str) -> str | None:
        """The identifier of the Api that is canonically this value, as its owner wrote it."""
        return self.apis.registered_value(value)

    def acts_for(self, client: ClientFacts, audience: str) -> bool:
        """Whether this audience is an API that the client acts for."""
        api = self.resolve(audience)
        return api is not None and api.identifier in client.acts_for

    def covers(self, allowed: str, value: str) -> bool:
        """Whether what was allowed at the one holds at the other: below it, and within the same Api."""
        return self.apis.covers(allowed, value)


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person. `sub` is what tokens carry; `facts` is what claims are made of, by name (`provider.store.person`)."""

    id: int
    sub: str
    active: bool = True
    username: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    roles: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # by the row of their project
    belongs: Belongs | None = None  # the same by ids; None: it was not read


@dataclass(frozen=True, slots=True)
class SignInFacts:
    """When and how the person signed in; `sid` names the session."""

    sid: str
    auth_time: int
    acr: str = ""
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestedClaims:
    """Single claims by name, besides those of the scopes, and where each goes (OpenID Connect Core 1.0 section 5.5)."""

    userinfo: tuple[str, ...] = ()
    id_token: tuple[str, ...] = ()


NO_CLAIMS = RequestedClaims()


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What an Authorization allows at most, and what its request named (the default of a token request)."""

    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    asked_scopes: tuple[str, ...] = ()
    asked_audiences: tuple[str, ...] = ()
    default_audiences: tuple[str, ...] = ()  # what stood in for them when none was asked
    offline: bool = False
    narrowed: bool = False  # an audience that was asked for was not granted
    claims: RequestedClaims = NO_CLAIMS


NO_CEILING = Ceiling()  # nothing hangs from a person's word


@dataclass(frozen=True, slots=True)
class Challenge:
    """PKCE as sent at authorization (RFC 7636). Empty: none was sent."""

    value: str = ""
    method: str = ""


NO_CHALLENGE = Challenge()


class TokenFacts(NamedTuple):  # one for every request: a tuple is made in a quarter of the time
    """A live token and whom it speaks of. Times in seconds since the epoch; no person: a client's own token."""

    kind: Literal["access", "refresh"]
    client: ClientFacts
    person: PersonFacts | None
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    issued_at: int
    expires_at: int | None
    jti: str = ""
    sign_in: SignInFacts | None = None
    authorization_id: str = ""
    claims: RequestedClaims = NO_CLAIMS
    bound: Confirmation = NOT_BOUND
    actors: tuple[str, ...] = ()  # the clients that act for the person (`act`, RFC 8693 section 4.1), the latest first
    came_from: tuple[str, ...] = ()  # the access tokens it was exchanged from, by digest or `jti`
    may_act: Json = None  # who may act with it (RFC 8693 section 4.4)
    abroad: bool = False  # it is for an API of another project, too
    crosses: bool = False  # to one that must not know the person as the client does (`access_tokens.crosses`)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a subject token (RFC 8693) adds to its ceiling: whose it is, and through whose hands it went.

    `passed_on`: the client that asks got it as an API. `bound`: its holder proved a key to that API. `crosses`: it came
    from a project that must not know the person as the client's does.
    """

    client: ClientFacts
    passed_on: bool = False
    bound: bool = False
    actors: tuple[str, ...] = ()
    came_from: tuple[str, ...] = ()
    crosses: bool = False
