"""The profile `fapi2`: what it demands of requests, whatever the client's row says (FAPI 2.0 Security Profile).

A project may take the profile on for clients that were registered before. So everything is asked here again: what a
client lacks is refused by name, at every endpoint and for every grant (rules G4 and F1 to F9).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from projects.facts import FAPI2
from provider.protocol.access_tokens import signing_alg, token_format
from provider.protocol.confirmation import Confirmation
from provider.protocol.errors import (
    InvalidClient,
    InvalidDpopProof,
    InvalidGrant,
    InvalidRequest,
    InvalidTarget,
    UnauthorizedClient,
)
from provider.protocol.facts import ClientFacts, Json
from provider.protocol.request import AuthorizationRequest, TokenRequest
from provider.protocol.runner import At

METHODS = ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth")
GRANT_TYPES = frozenset({"authorization_code", "refresh_token", "client_credentials"})
FORBIDDEN = "RS256"
HERE = At("profile")  # where nothing is demanded, nothing is entered: every token request comes by
NO_CLAIMS: Mapping[str, Json] = MappingProxyType({})


def demanded(client: ClientFacts) -> bool:
    return client.profile == FAPI2


def applied(client: ClientFacts) -> ClientFacts:
    """The client as its profile makes it. What it still lacks then is refused with every request."""
    if not demanded(client):
        return client
    return replace(
        client,
        grant_types=client.grant_types & GRANT_TYPES,
        response_types=client.response_types & {"code"},
        pushes=True,
        require_pkce=True,
        rotates=False,
    )


def check_client(client: ClientFacts) -> None:
    """What is wrong with the client itself, and only an administrator mends."""
    if demanded(client) and (lack := next(_lacks(client), "")):
        raise UnauthorizedClient(f"The profile fapi2 demands {lack}. An administrator changes that.")


def _lacks(client: ClientFacts) -> Iterator[str]:
    if client.public or client.auth_method not in METHODS:
        yield "a client that authenticates with private_key_jwt or a certificate"
    signed = {
        "token_endpoint_auth_signing_alg": client.assertion_algorithm,
        "request_object_signing_alg": client.request_object_algorithm,
        "id_token_signed_response_alg": client.id_token_algorithm,
        "userinfo_signed_response_alg": client.userinfo_algorithm,
        "authorization_signed_response_alg": client.authorization_algorithm,
    }
    for name, algorithm in signed.items():
        if algorithm == FORBIDDEN:
            yield f"another {name} than {FORBIDDEN}"


def at_authorization(request: AuthorizationRequest) -> None:
    """F4: pushed. F5: redirect_uri is named, with https. F6: PKCE. The rest is said by the steps that follow."""
    if not demanded(request.client):
        return
    check_client(request.client)
    if not request.params.wrapped.pushed:
        raise InvalidRequest("The profile fapi2 demands pushed authorization requests (RFC 9126): push it first.")
    if not request.channel.named:
        raise InvalidRequest("The profile fapi2 demands redirect_uri in the request.")
    if not request.channel.redirect_uri.lower().startswith("https://"):
        raise InvalidRequest("The profile fapi2 demands a redirect_uri with https.")
    if not request.params.one("code_challenge"):
        raise InvalidRequest("The profile fapi2 demands PKCE: code_challenge is missing.")


def check_authentication(client: ClientFacts, algorithm: str = "", claims: Mapping[str, Json] = NO_CLAIMS) -> None:
    """F1: by a key that nobody else has. F2: for the issuer, as a text. F3: signed with nothing weak."""
    if not demanded(client):
        return
    with HERE:
        if client.auth_method not in METHODS:
            raise InvalidClient("The profile fapi2 demands private_key_jwt or a certificate, and no secret.")
        if not algorithm:
            return  # a certificate
        if algorithm == FORBIDDEN:
            raise InvalidClient(f"The profile fapi2 forbids {FORBIDDEN}: sign client_assertion with another algorithm.")
        if not isinstance(claims.get("aud"), str):
            raise InvalidClient("The profile fapi2 demands aud of client_assertion as a text, not as an array.")


def may_sign_with(client: ClientFacts, algorithms: Iterable[str]) -> tuple[str, ...]:
    """F3: of these algorithms those that a client may sign its requests with."""
    return tuple(one for one in algorithms if not (demanded(client) and one == FORBIDDEN))


def at_grant(client: ClientFacts, grant_type: str) -> None:
    """F1: a grant that the client registered may be none of the profile's."""
    if not demanded(client):
        return
    with HERE:
        check_client(client)
        if grant_type not in GRANT_TYPES:
            raise UnauthorizedClient(f"The profile fapi2 allows {', '.join(sorted(GRANT_TYPES))}, and no other grant.")


def at_possession(client: ClientFacts, shown: Confirmation) -> None:
    """Tokens are bound to what the request shows, whatever the grant is. No proof is signed with RS256 (F3)."""
    if demanded(client) and not shown:
        with HERE:
            raise InvalidDpopProof("The profile fapi2 demands tokens that are bound to a key: send a DPoP proof.")


def at_token(request: TokenRequest) -> None:
    """F6, also of a code that was issued before. F3, also where an API chose the algorithm of its tokens."""
    if not demanded(request.client):
        return
    with HERE:
        if request.params.one("grant_type") == "authorization_code" and not request.challenge.value:
            raise InvalidGrant("The profile fapi2 demands PKCE, and the authorization request had no code_challenge.")
        if token_format(request) == "jwt" and signing_alg(request) == FORBIDDEN:
            raise InvalidTarget(f"The profile fapi2 forbids {FORBIDDEN}, and an API of this audience demands it.")
