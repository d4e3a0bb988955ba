"""Tokens that come through the browser, for apps that cannot be changed (OpenID Connect Core 1.0 sections 3.2 and 3.3).

They are decided by the steps of the token endpoint, as for a request there that names nothing (protocol section 21).
"""

from __future__ import annotations

from provider.protocol import audience, scopes
from provider.protocol.errors import InvalidRequest, InvalidScope, UnauthorizedClient
from provider.protocol.request import AuthorizationRequest, Params, Subject, TokenRequest
from provider.protocol.response_modes import brings_tokens

STEPS = (audience.at_token, scopes.at_token)


def at_authorization(request: AuthorizationRequest) -> None:
    """What the tokens would be refused for is refused before anybody is asked."""
    kinds = request.channel.response_type.split()
    if "id_token" in kinds:
        if not request.params.one("nonce"):
            raise InvalidRequest("An ID token that comes through the browser needs a nonce.")
        if "openid" not in request.asked_scopes:
            raise InvalidScope("An ID token needs the scope openid.")
    if "token" in kinds and (request.client.dpop_bound or request.client.certificate_bound):
        raise UnauthorizedClient("Access tokens of this client are bound to a key, and a browser proves none.")
    if brings_tokens(request.channel.response_type):
        trial = TokenRequest(Params(), request.client, request.registry, Subject.PERSON, request.ceiling)
        for step in STEPS:
            step(trial)
