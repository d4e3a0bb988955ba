"""Token revocation (RFC 7009)."""

from __future__ import annotations

from clients.endpoints.http import Answer, json_answer, protocol_endpoint
from clients.oauth import parameters, store
from clients.oauth.authentication import authenticate
from clients.oauth.parameters import Request
from clients.protocol.errors import InvalidRequest
from idp.accounts.address import address_of


@protocol_endpoint("POST", cors=True)
def revoke(request: Request) -> Answer:
    """The same answer whether the token was this client's, somebody else's, or no token at all (section 2.2)."""
    params = parameters.from_body(request)
    client = authenticate(params, parameters.authorization(request), address_of(request))
    if not params.one("token"):
        raise InvalidRequest("token is missing.")
    store.revoke(params.one("token"), client)
    return json_answer({})
