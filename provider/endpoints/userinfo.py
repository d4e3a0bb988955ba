"""UserInfo (OpenID Connect Core 1.0 section 5.3)."""

from __future__ import annotations

from django.conf import settings

from projects.claim_table import USERINFO
from provider import oversized, parameters
from provider.endpoints import access_token
from provider.endpoints.http import Answer, json_answer, protocol_endpoint
from provider.keys import mint
from provider.parameters import Request
from provider.protocol import claims
from provider.protocol.errors import InvalidToken, Refusal
from provider.protocol.facts import ClientFacts

# Core names no type, and programs refuse one they do not know. It has no `exp`: nobody takes it for an ID token.
TYPE = "JWT"


@protocol_endpoint("GET", "POST", cors=True, bearer=True, proofs=True)
def userinfo(request: Request) -> Answer:
    found = access_token.shown(request, "userinfo", _token_in_body(request))
    if found is None:
        raise InvalidToken("The access token is unknown, expired or revoked.")
    try:
        answer = claims.userinfo(found)
    except Refusal as refusal:
        refusal.client_id = found.client.client_id
        raise
    oversized.note(found.client, found.person, claims.left_out_of(found, USERINFO, answer))
    if found.client.userinfo_algorithm:
        return _signed(answer, found.client)
    return json_answer(answer)


def _signed(answer: claims.Claims, client: ClientFacts) -> Answer:
    """A JWT for the client the access token was issued to (OpenID Connect Core 1.0 section 5.3.2)."""
    signed = {**answer, "iss": settings.IDP_ISSUER, "aud": client.client_id}
    jwt = mint.sign(signed, client.userinfo_algorithm, TYPE)
    return Answer(jwt.encode(), {"Content-Type": "application/jwt", "Cache-Control": "no-store"})


def _token_in_body(request: Request) -> str:
    """Only a form can carry one (RFC 6750 section 2.2); a POST of anything else has it in the header."""
    if request.method != "POST" or not parameters.is_form(request):
        return ""
    return parameters.from_body(request).one("access_token")
