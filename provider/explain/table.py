"""What the protocol table answers a client that asks for an audience. Pure: frozen facts in, answers out.

Nothing is decided here. A request as a well-behaved app sends it goes through the very steps of
`provider.protocol`; what they decide, or the Refusal they raise and where, is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from projects.claim_table import ACCESS_TOKEN, ID_TOKEN, PLACES
from projects.facts import ApiFacts
from projects.matcher import Malformed, parse
from provider.protocol import (
    AT_AUTHORIZATION,
    AT_DEVICE_AUTHORIZATION,
    AT_TOKEN,
    CODES,
    audience,
    authorization,
    claims,
    device,
    exchange,
    profile,
    told,
)
from provider.protocol.access_tokens import abroad, lifetime, token_format
from provider.protocol.channel import Channel
from provider.protocol.cross_client import Obstacle, obstacles
from provider.protocol.errors import InvalidClient, Refusal, UnauthorizedClient
from provider.protocol.facts import (
    NO_CEILING,
    TOKEN_EXCHANGE,
    Ceiling,
    Challenge,
    ClientFacts,
    Entry,
    Exchanged,
    Json,
    PersonFacts,
    Registry,
)
from provider.protocol.request import AuthorizationRequest, Params, Subject, TokenRequest, Wrapped
from provider.protocol.response_modes import CODE, brings_tokens
from provider.protocol.runner import run

AUTHORIZE = "authorize"  # the row of the authorization endpoint; the others are grant types
ROWS = (AUTHORIZE, *AT_TOKEN)
# Any verifier and its S256 challenge (RFC 7636 appendix B).
_VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
_SOMEBODY = PersonFacts(id=0, sub="")
Request = TypeVar("Request", AuthorizationRequest, TokenRequest)


@dataclass(frozen=True, slots=True)
class Question:
    """An `audience` parameter as sent, and what the steps may know of the world."""

    client: ClientFacts
    audience: str
    registry: Registry = field(default_factory=Registry)
    scope: str = ""  # empty: everything the client registered
    ceiling: Ceiling | None = None  # of an Authorization that is there; None: as if all were allowed now

    @property
    def asked_scope(self) -> str:
        return self.scope or " ".join(self.client.scopes)


@dataclass(frozen=True, slots=True)
class TokenPreview:
    """What the tokens would say. The ID token is there only when it is for a sibling. Lifetimes in seconds.

    No format: there is no access token.
    """

    aud: str | list[str]
    scope: str
    format: str
    lifetime: int
    id_token: Mapping[str, Json] | None = None
    to_a_key: bool = False  # bound to the key of a proof that the request has to bring
    to_a_certificate: bool = False
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # claims of the project's table, by place


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of the table: the steps that ran, in order. With a refusal, the last of them raised it."""

    row: str
    steps: tuple[str, ...]
    refusal: Refusal | None = None
    token: TokenPreview | None = None

    @property
    def allowed(self) -> bool:
        return self.refusal is None


class Reason(Enum):
    """What one value of the parameter is to this client."""

    ITSELF = "itself"
    SIBLING = "sibling"
    SIBLING_REFUSED = "sibling_refused"
    LISTED = "listed"
    NOT_LISTED = "not_listed"
    NAME_NOT_LISTED = "name_not_listed"
    LISTED_BUT_REFUSED = "listed_but_refused"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Value:
    """One value, as far as whoever asks may know it. `rule` counts the rows of the allowlist from 1."""

    asked: str
    reason: Reason
    rule: int | None = None
    entry: Entry | None = None
    api: ApiFacts | None = None
    target: ClientFacts | None = None
    obstacles: tuple[Obstacle, ...] = ()
    detail: str = ""


# --- The rows of the table ----------------------------------------------------------------------------------------


def rows_of(client: ClientFacts) -> list[str]:
    """The rows this client can come by: what it did not register is not asked."""
    return [row for row in ROWS if (_authorizes(client) if row == AUTHORIZE else client.may_use(row))]


def _authorizes(client: ClientFacts) -> bool:
    return client.may_use("authorization_code") or any(map(brings_tokens, client.response_types))


def attempt(question: Question, row: str) -> Attempt:
    """Send the request of this row through its steps."""
    if not question.client.enabled:
        return Attempt(row, ("client.enabled",), InvalidClient("This client is disabled."))
    if row == AUTHORIZE:
        return _authorize(question)[0]
    try:
        profile.check_client(question.client)
    except Refusal as refusal:
        return Attempt(row, ("profile.check_client",), refusal)
    if not question.client.may_use(row):
        return Attempt(row, ("client.may_use",), UnauthorizedClient())
    if row == "client_credentials":
        return _token(question, row, Subject.CLIENT, NO_CEILING)
    if row == TOKEN_EXCHANGE:
        ceiling = question.ceiling or exchange.all_of(question.client)
        return _token(question, row, Subject.PERSON, ceiling, exchange.supposed(question.client))
    if row == "refresh_token" and question.ceiling is not None:
        return _token(question, row, Subject.PERSON, question.ceiling)
    before, decided = _asked_of_person(question, row)
    if not before.allowed:
        return Attempt(row, before.steps, before.refusal)  # there would be no code
    return _token(question, row, Subject.PERSON, decided.ceiling)


def _asked_of_person(question: Question, row: str) -> tuple[Attempt, AuthorizationRequest]:
    """What comes before a token of this row: who has no code for a browser asks as a device."""
    if row == device.GRANT_TYPE or not question.client.may_use("authorization_code"):
        return _from_device(question, offline=row == "refresh_token")
    return _authorize(question, offline=row == "refresh_token")


def _from_device(question: Question, *, offline: bool = False) -> tuple[Attempt, AuthorizationRequest]:
    pairs = [("scope", question.asked_scope), ("audience", question.audience)]
    if offline:
        pairs.append(("access_type", "offline"))
    request = AuthorizationRequest(Params(pairs), Channel(question.client, device=True), question.registry)
    steps, refusal = _run(AT_DEVICE_AUTHORIZATION, request)
    return Attempt(device.GRANT_TYPE, steps, refusal), request


def _authorize(question: Question, *, offline: bool = False) -> tuple[Attempt, AuthorizationRequest]:
    """At the first redirect URI of the client, as a well-behaved app sends it."""
    pairs = [("response_type", _response_type(question.client)), ("nonce", "any"), ("scope", question.asked_scope)]
    pairs.append(("audience", question.audience))
    pairs += [("code_challenge", _CHALLENGE), ("code_challenge_method", "S256")]
    if offline:
        pairs.append(("access_type", "offline"))
    params = Params(pairs, Wrapped(pushed="as it may have to be", signed=True))
    channel = authorization.channel(params, question.client, next(iter(question.client.redirect_uris), ""))
    request = AuthorizationRequest(params, channel, question.registry)
    steps, refusal = _run(AT_AUTHORIZATION, request)
    return Attempt(AUTHORIZE, steps, refusal), request


def _response_type(client: ClientFacts) -> str:
    """A code, unless the client gets none."""
    return CODE if CODE in client.response_types else next(iter(sorted(client.response_types)), CODE)


def decided_authorization(question: Question) -> AuthorizationRequest | None:
    """What the person would be asked for; None when that is refused."""
    attempted, request = _asked_of_person(question, AUTHORIZE)
    return request if attempted.allowed else None


def _token(
    question: Question, row: str, subject: Subject, ceiling: Ceiling, exchanged: Exchanged | None = None
) -> Attempt:
    pairs = [("audience", question.audience)]
    pairs += [("scope", question.scope)] if question.scope else []
    pairs += [("code_verifier", _VERIFIER)] if row == "authorization_code" else []
    if exchanged is not None and any(map(question.registry.target, question.audience.split())):
        pairs.append(("requested_token_type", exchange.ID_TOKEN))
    request = TokenRequest(Params(pairs), question.client, question.registry, subject, ceiling, exchanged=exchanged)
    if row == "authorization_code":
        request.challenge = Challenge(_CHALLENGE, "S256")
    more = (profile.at_token,) if profile.demanded(question.client) else ()
    steps, refusal = _run((*AT_TOKEN[row], *more), request)
    if refusal is not None:
        refusal.code = CODES.get(row, {}).get(refusal.code, refusal.code)
    return Attempt(row, steps, refusal, None if refusal else _preview(request))


def _run(steps: Iterable[Callable[[Request], None]], request: Request) -> tuple[tuple[str, ...], Refusal | None]:
    """The names of the steps that ran, and what the last of them raised."""
    ran = ["audience.named"]
    try:
        audience.named(request.params)  # how many and how long: before any fact is loaded
        run(steps, request, ran)
    except Refusal as refusal:
        return tuple(ran), refusal
    return tuple(ran), None


def _preview(decided: TokenRequest) -> TokenPreview:
    id_token = None
    if decided.target is not None:
        issue = claims.Issue(issuer="", now=0, jti="", client=decided.client, person=_SOMEBODY, target=decided.target)
        said = claims.id_token(issue, "")
        id_token = {"aud": said["aud"], "azp": said["azp"], "lifetime": said["exp"]}
    return TokenPreview(
        aud=claims.one_or_many(decided.audience),
        scope=" ".join(decided.scopes),
        format="" if decided.id_token_alone else token_format(decided),
        lifetime=lifetime(decided),
        id_token=id_token,
        to_a_key=decided.client.dpop_bound,
        to_a_certificate=decided.client.certificate_bound,
        told=_told(decided),
    )


def _told(decided: TokenRequest) -> dict[str, tuple[str, ...]]:
    """Which claims of the table, if the person has something of each; what no place is told of is left out."""
    project, passed_on = decided.client.project, decided.exchanged is not None and decided.exchanged.passed_on
    if not decided.of_a_person or passed_on:
        return {}
    away = abroad(decided.audience, decided.client, decided.registry)
    names = {place: told.names_at(project, place, decided.scopes) for place in PLACES}
    if away:
        names = {ID_TOKEN: names[ID_TOKEN]}
    elif token_format(decided) != "jwt":
        names.pop(ACCESS_TOKEN)
    return {place: found for place, found in names.items() if found}


# --- The values of the parameter ----------------------------------------------------------------------------------


def values(question: Question, seen: Registry) -> list[Value]:
    """Each value by itself. Whether it is refused is the steps' answer; why, only what `seen` shows."""
    try:
        words = audience.values(Params([("audience", question.audience)]), "audience")
    except Refusal:
        return []
    return [_value(word, question, seen) for word in words[: audience.MAX_VALUES]]


def _value(word: str, question: Question, seen: Registry) -> Value:
    client = question.client
    if word == client.client_id:
        return Value(word, Reason.ITSELF)
    if (target := seen.target(word)) is not None:
        found = obstacles(client, target)
        return Value(word, Reason.SIBLING_REFUSED if found else Reason.SIBLING, target=target, obstacles=found)
    try:
        kind = parse(word).kind
    except Malformed as error:
        return Value(word, Reason.MALFORMED, detail=str(error))
    api = seen.resolve(word)
    entry = audience.covering_entry(word, client, seen)
    if entry is None:
        return Value(word, Reason.NOT_LISTED if kind == "url" else Reason.NAME_NOT_LISTED, api=api)
    reason = Reason.LISTED if _permitted(word, question) else Reason.LISTED_BUT_REFUSED
    return Value(word, reason, client.allowlist.index(entry) + 1, entry, api)


def _permitted(word: str, question: Question) -> bool:
    try:
        audience.classify(Params([("audience", word)]), question.client, question.registry)
    except Refusal:
        return False
    return True
