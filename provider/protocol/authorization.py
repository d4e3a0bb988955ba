"""The shape of an authorization request: what is honoured, what is refused by name, never ignored."""

from __future__ import annotations

from provider.protocol.errors import (
    InvalidRequest,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from provider.protocol.request import AuthorizationRequest

RESPONSE_TYPES = ("code",)
RESPONSE_MODES = ("query",)
MAX_NONCE = 255
MAX_STATE = 4096


def check_shape(request: AuthorizationRequest) -> None:
    """RFC 6749 section 4.1.1; OpenID Connect Core 1.0 sections 3.1.2.1 and 6."""
    params = request.params
    response_type = params.one("response_type")
    if not response_type:
        raise InvalidRequest("response_type is missing.")
    if response_type not in RESPONSE_TYPES:
        raise UnsupportedResponseType("Only response_type=code is offered.")
    if "authorization_code" not in request.client.grant_types:
        raise UnauthorizedClient("This client is not registered for the authorization code grant.")
    if params.one("request"):
        raise RequestNotSupported("Request objects are not supported.")
    if params.one("request_uri"):
        raise RequestUriNotSupported("request_uri is not supported.")
    if params.one("response_mode") not in ("", *RESPONSE_MODES):
        raise InvalidRequest("Only response_mode=query is offered.")
    if len(params.one("nonce")) > MAX_NONCE:
        raise InvalidRequest(f"nonce may have at most {MAX_NONCE} characters.")
    if len(params.one("state")) > MAX_STATE:
        raise InvalidRequest(f"state may have at most {MAX_STATE} characters.")
