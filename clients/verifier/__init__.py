"""Checking this provider's tokens in an API, in three ways. Needs jwcrypto and `projects.matcher`, nothing else of us.

`LocalVerifier` checks JWT access tokens with the provider's public keys. `IntrospectionVerifier` asks the provider
about any access token. `IDTokenVerifier` checks ID tokens that first-party apps send; its result is of another type,
so that it is never taken for an access token. `LogoutTokenVerifier` is for apps: it checks what tells them that a
session ended. Every refusal is a `TokenError`. For Django there is
`clients.verifier.django`, for Django REST framework `clients.verifier.rest_framework`; see docs/integrate.md.
"""

from __future__ import annotations

from clients.verifier.access import AccessToken, AccessTokenVerifier, Proof
from clients.verifier.errors import InsufficientScope, Invalid, Missing, TokenError, Unavailable
from clients.verifier.id_tokens import IDToken, IDTokenVerifier
from clients.verifier.introspection import IntrospectionVerifier
from clients.verifier.local import LocalVerifier
from clients.verifier.logout_tokens import LogoutToken, LogoutTokenVerifier
from clients.verifier.provider import Provider

__all__ = [
    "AccessToken",
    "AccessTokenVerifier",
    "IDToken",
    "IDTokenVerifier",
    "InsufficientScope",
    "IntrospectionVerifier",
    "Invalid",
    "LocalVerifier",
    "LogoutToken",
    "LogoutTokenVerifier",
    "Missing",
    "Proof",
    "Provider",
    "TokenError",
    "Unavailable",
]
