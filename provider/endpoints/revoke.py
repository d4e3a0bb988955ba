"""Token revocation (RFC 7009)."""

from __future__ import annotations

from common.address import address_of
from common.certificates import of_connection
from provider import parameters
from provider.client_authentication import authenticate
from provider.endpoints.http import Answer, json_answer, protocol_endpoint
from provider.parameters import Request
from provider.protocol.errors import InvalidRequest
from provider.store import authorizations


@protocol_endpoint("POST", cors=True, machines=True)
def revoke(request: Request) -> Answer:
    """The same answer whether the token was this client's, somebody else's, or no token at all (section 2.2)."""
    params = parameters.from_body(request)
    client = authenticate(params, parameters.authorization(request), address_of(request), of_connection(request.META))
    if not params.one("token"):
        raise InvalidRequest("token is missing.")
    authorizations.revoke(params.one("token"), client)
    return json_answer({})
