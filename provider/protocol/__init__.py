"""THE TABLE: which steps run at authorization and at each grant, in this order.

A step is a plain function over a request and its facts: it assigns what it decides, or raises a Refusal. Nothing is
minted, signed or saved until every step has agreed. Standard library only, and the pure matcher of `projects`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from provider.protocol import (
    audience,
    authorization,
    cross_client,
    device,
    dpop,
    exchange,
    front_channel,
    guests,
    included,
    pkce,
    profile,
    requested_claims,
    scopes,
)
from provider.protocol.facts import TOKEN_EXCHANGE
from provider.protocol.request import AuthorizationRequest, TokenRequest

Steps: TypeAlias = Sequence[Callable[[AuthorizationRequest], None]]

AT_AUTHORIZATION: Steps = (
    profile.at_authorization,
    authorization.check_shape,
    guests.at_authorization,
    pkce.at_authorization,
    dpop.at_authorization,
    scopes.at_authorization,
    requested_claims.at_authorization,
    audience.at_authorization,
    scopes.something_asked,
    included.at_authorization,
    front_channel.at_authorization,
    cross_client.at_authorization,
)

AT_DEVICE_AUTHORIZATION: Steps = (
    device.check_shape,
    scopes.at_authorization,
    requested_claims.at_authorization,
    audience.at_authorization,
    scopes.something_asked,
    cross_client.at_authorization,
)

AT_TOKEN: Mapping[str, Sequence[Callable[[TokenRequest], None]]] = {
    "authorization_code": (pkce.at_token, audience.at_token, scopes.at_token, cross_client.at_token),
    "refresh_token": (audience.at_token, scopes.at_token, cross_client.at_token),
    "client_credentials": (audience.at_token, scopes.at_token, cross_client.at_token),
    device.GRANT_TYPE: (audience.at_token, scopes.at_token, cross_client.at_token),
    TOKEN_EXCHANGE: (exchange.asked, audience.at_token, scopes.at_token, cross_client.at_token, exchange.issued),
}

# What the specification of a grant calls a refusal that the others have another code for.
CODES: Mapping[str, Mapping[str, str]] = {TOKEN_EXCHANGE: exchange.CODES}
