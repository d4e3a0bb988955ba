"""Token introspection (RFC 7662)."""

from __future__ import annotations

import re

from django.conf import settings

from common import clock
from common.address import address_of
from common.certificates import of_connection
from projects.apis import apis_near
from provider import oversized, parameters
from provider.client_authentication import authenticate
from provider.endpoints.http import PRIVATE, Answer, json_answer, protocol_endpoint
from provider.keys import mint
from provider.parameters import Request
from provider.protocol import introspection
from provider.protocol.errors import InvalidRequest
from provider.protocol.facts import ClientFacts, Json, Registry, TokenFacts
from provider.store import find

SIGNED_TYPE = "token-introspection+jwt"
SIGNED = f"application/{SIGNED_TYPE}"
_WEIGHT_OF_NOTHING = re.compile(r"q=0(\.0{0,3})?")


@protocol_endpoint("POST", machines=True)
def introspect(request: Request) -> Answer:
    params = parameters.from_body(request)
    caller = authenticate(params, parameters.authorization(request), address_of(request), of_connection(request.META))
    introspection.check_caller(caller)
    text = params.one("token")
    if not text:
        raise InvalidRequest("token is missing.")
    found = _find(text, params.one("token_type_hint"))
    registry = Registry(apis=apis_near(found.audience)) if found else Registry()
    answer = introspection.answer(caller, found, registry, settings.IDP_ISSUER)
    if found is not None:
        oversized.note(found.client, found.person, introspection.left_out(caller, found, answer))
    if _accepts_signed(str(request.META.get("HTTP_ACCEPT", ""))):
        return _signed(answer, caller)
    return json_answer(answer)


def _accepts_signed(header: str) -> bool:
    """Whether the JWT is named, in whatever case, with a weight above nothing (RFC 9110 sections 8.3.1 and 12.4.2)."""
    for one in header.lower().split(","):
        name, *more = (part.strip() for part in one.split(";"))
        if name == SIGNED:
            return not any(_WEIGHT_OF_NOTHING.fullmatch(part) for part in more)
    return False


def _signed(answer: dict[str, Json], caller: ClientFacts) -> Answer:
    """The answer as a JWT for this caller alone (RFC 9701 section 5)."""
    claims: dict[str, Json] = {
        "iss": settings.IDP_ISSUER,
        "aud": caller.client_id,
        "iat": clock.seconds(),
        "token_introspection": answer,
    }
    jwt = mint.sign(claims, caller.id_token_algorithm, SIGNED_TYPE)
    return Answer(jwt.encode(), {"Content-Type": SIGNED, **PRIVATE})


def _find(text: str, hint: str) -> TokenFacts | None:
    """The hint only says where to look first (RFC 7662 section 2.1)."""
    finders = [find.access_token, find.refresh_token]
    if hint == "refresh_token":
        finders.reverse()
    return next((found for finder in finders if (found := finder(text)) is not None), None)
