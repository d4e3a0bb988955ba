"""Token exchange (RFC 8693, protocol section 13): what a subject token allows, and whom.

A client's own token becomes a narrower one, or an ID token for a sibling. A token that an app sent to an API becomes
one for the next API, and says in `act` through whose hands it went. Audiences and scopes are decided by the steps of
every grant, within a ceiling that is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping

from projects.scopes import SIGN_IN_SCOPES
from provider.protocol.audience import besides_itself
from provider.protocol.claims import MAX_ACTORS
from provider.protocol.errors import InvalidAudience, InvalidGrant, InvalidRequest, InvalidTarget
from provider.protocol.facts import Ceiling, ClientFacts, Exchanged, Json, Registry, TokenFacts
from provider.protocol.request import Params, TokenRequest

_TYPE = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN, REFRESH_TOKEN, ID_TOKEN, JWT = (
    f"{_TYPE}{name}" for name in ("access_token", "refresh_token", "id_token", "jwt")
)
SUBJECT_TYPES = (ACCESS_TOKEN, REFRESH_TOKEN, JWT)  # JWT: an access token that is one
REQUESTED_TYPES = (ACCESS_TOKEN, ID_TOKEN)
MAX_CAME_FROM = 8  # access tokens that one is exchanged from, one after the other

# How section 2.2.2 calls what other grants have codes of their own for.
CODES: Mapping[str, str] = {
    InvalidGrant.code: InvalidRequest.code,
    InvalidAudience.code: InvalidTarget.code,
}


class InvalidSubject(InvalidRequest):
    """One sentence for every reason, so that nobody learns of tokens that are not theirs to exchange."""

    def __init__(self) -> None:
        super().__init__("The subject token is unknown, expired, revoked or not for this client to exchange.")


def check_parameters(params: Params) -> None:
    """RFC 8693 section 2.1: what is not honoured is refused by name."""
    actor_token, actor_type = params.has("actor_token"), params.has("actor_token_type")
    if actor_token != actor_type:
        raise InvalidRequest("actor_token and actor_token_type go together.")
    if actor_token:
        raise InvalidRequest("actor_token is not supported: the client that authenticates is the actor.")
    subject_type = params.one("subject_token_type")
    if subject_type == ID_TOKEN:
        raise InvalidRequest("An ID token is no subject token. Send an access token or a refresh token.")
    if subject_type not in SUBJECT_TYPES:
        raise InvalidRequest(f"subject_token_type must be one of: {' '.join(SUBJECT_TYPES)}")
    if _requested(params) not in REQUESTED_TYPES:
        raise InvalidRequest(f"requested_token_type must be one of: {' '.join(REQUESTED_TYPES)}")


def _requested(params: Params) -> str:
    return params.one("requested_token_type") or ACCESS_TOKEN


# --- What a subject token allows ----------------------------------------------------------------------------------


def narrower(token: TokenFacts) -> Ceiling:
    """A client's own token: what it holds, and nothing else."""
    apis = tuple([one for one in token.audience if one != token.client.client_id])
    return Ceiling(
        scopes=token.scopes,
        audiences=apis,
        asked_scopes=token.scopes,
        asked_audiences=apis,
        claims=token.claims,
    )


def may_pass_on(caller: ClientFacts, token: TokenFacts, registry: Registry, issuer: str) -> bool:
    """Whether this client got a person's token as an API it is for. `may_act` in the token names somebody itself."""
    if token.person is None or not caller.registered_by_administrator:
        return False
    if token.may_act is not None:
        return _names(token.may_act, caller, issuer)
    return any(registry.acts_for(caller, one) for one in token.audience)


def _names(may_act: Json, caller: ClientFacts, issuer: str) -> bool:
    """RFC 8693 section 4.4. A member that is not understood could say that somebody else is meant."""
    if not isinstance(may_act, Mapping) or may_act.keys() - {"sub", "iss"}:
        return False
    return may_act.get("sub") == caller.client_id and may_act.get("iss", issuer) == issuer


def passed_on(token: TokenFacts, allowed: Ceiling) -> Ceiling:
    """What the person allowed the caller's project.

    Of signing in only what the token has, too: an API learns no more about the person than the app that calls it.
    """
    shared = {scope for scope in token.scopes if scope != "offline_access"}
    scopes = tuple(scope for scope in allowed.scopes if scope not in SIGN_IN_SCOPES or scope in shared)
    asked_scopes = tuple(scope for scope in token.scopes if scope in scopes)
    return Ceiling(scopes, allowed.audiences, asked_scopes)


def all_of(client: ClientFacts) -> Ceiling:
    """All that a client may ask for: what the clients of a first-party project are allowed."""
    return Ceiling(client.scopes, tuple(entry.value for entry in client.allowlist), client.scopes)


def actors(token: TokenFacts, caller: ClientFacts) -> tuple[str, ...]:
    """Who acts when this client passes the token on."""
    if len(token.actors) >= MAX_ACTORS:
        raise InvalidTarget(f"An access token is passed on {MAX_ACTORS} times at most.")
    return (caller.client_id, *token.actors)


def came_from(token: TokenFacts, key: str) -> tuple[str, ...]:
    """The tokens whose revocation ends the result. `key`: the digest or `jti` of this one."""
    if len(token.came_from) >= MAX_CAME_FROM:
        raise InvalidTarget(f"An access token is exchanged {MAX_CAME_FROM} times at most. Exchange the first one.")
    return (*token.came_from, key)


# --- The steps ----------------------------------------------------------------------------------------------------


def asked(request: TokenRequest) -> None:
    """Whether this subject token is any good for what is asked; before anything else is looked at."""
    if request.exchanged is None:
        raise ValueError("No token was presented.")
    if request.exchanged.bound and request.exchanged.passed_on and not request.shown:
        raise InvalidRequest("The subject token is bound: send a proof or certificate of yours, to bind the result.")
    if _requested(request.params) == ID_TOKEN:
        if request.exchanged.actors or request.exchanged.passed_on:
            raise InvalidTarget("An ID token is made of a token that the client got from the person itself.")
        if not _words(request):
            raise InvalidRequest("audience is missing: name the client that the ID token is for.")
    elif request.exchanged.passed_on and not _words(request):
        raise InvalidTarget("Name the API with audience or resource: an app's token is exchanged for the next API's.")


def issued(request: TokenRequest) -> None:
    """One token, and which: an ID token for one sibling, or an access token for APIs (RFC 8693 section 2.2.1)."""
    if _requested(request.params) == ID_TOKEN:
        if request.target is None or len(_words(request)) > 1:
            raise InvalidTarget("An ID token is for one client of the project: name it with audience, and no API.")
        request.id_token_alone = True
    elif request.target is not None:
        raise InvalidTarget(f"For a client there is an ID token only: requested_token_type={ID_TOKEN}")


def _words(request: TokenRequest) -> list[str]:
    """What the request names besides its own client."""
    return besides_itself(request.params, request.client)


def answered_type(request: TokenRequest) -> str:
    """`issued_token_type`."""
    return ID_TOKEN if request.id_token_alone else ACCESS_TOKEN


def supposed(client: ClientFacts) -> Exchanged:
    """For explanations: a token of the client's own; of an app, where only apps get tokens for people."""
    return Exchanged(client, passed_on=bool(client.acts_for) and "authorization_code" not in client.grant_types)
