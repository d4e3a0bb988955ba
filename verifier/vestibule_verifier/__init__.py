"""Checking the tokens of a Vestibule provider in an API, in three ways. Needs jwcrypto, and nothing of the provider.

`LocalVerifier` checks JWT access tokens with the provider's public keys. `IntrospectionVerifier` asks the provider
about any access token. `IDTokenVerifier` checks ID tokens that first-party apps send; its result is of another type,
so that it is never taken for an access token. `LogoutTokenVerifier` is for apps: it checks what tells them that a
session ended. Every refusal is a `TokenError`. A `ProtectedResource` tells apps that never heard of an API where to get
tokens for it. For Django there is `vestibule_verifier.django`, for Django REST framework
`vestibule_verifier.rest_framework`, for ASGI `vestibule_verifier.asgi`, for MCP servers `vestibule_verifier.mcp` and
`vestibule_verifier.fastmcp`.
"""

from __future__ import annotations

from vestibule_verifier.access import AccessToken, AccessTokenVerifier, Proof
from vestibule_verifier.errors import (
    InsufficientScope,
    Invalid,
    InvalidProof,
    Missing,
    NonceNeeded,
    TokenError,
    Unavailable,
)
from vestibule_verifier.id_tokens import IDToken, IDTokenVerifier
from vestibule_verifier.introspection import IntrospectionVerifier
from vestibule_verifier.local import LocalVerifier
from vestibule_verifier.logout_tokens import LogoutToken, LogoutTokenVerifier
from vestibule_verifier.metadata import ProtectedResource
from vestibule_verifier.provider import Provider
from vestibule_verifier.replays import Nonces, ReplayMemory, Replays
from vestibule_verifier.sender import Proofs, Sender

__all__ = [
    "AccessToken",
    "AccessTokenVerifier",
    "IDToken",
    "IDTokenVerifier",
    "InsufficientScope",
    "IntrospectionVerifier",
    "Invalid",
    "InvalidProof",
    "LocalVerifier",
    "LogoutToken",
    "LogoutTokenVerifier",
    "Missing",
    "NonceNeeded",
    "Nonces",
    "Proof",
    "Proofs",
    "ProtectedResource",
    "Provider",
    "ReplayMemory",
    "Replays",
    "Sender",
    "TokenError",
    "Unavailable",
]
