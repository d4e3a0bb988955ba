"""Proof Key for Code Exchange (RFC 7636): S256 only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from provider.protocol.errors import InvalidGrant, InvalidRequest
from provider.protocol.facts import NO_CHALLENGE, Challenge
from provider.protocol.request import AuthorizationRequest, TokenRequest
from provider.protocol.response_modes import CODE

METHODS = ("S256",)
# For an app that cannot: many send no challenge until they are told to, and some never do.
TURN_IT_OFF = "For an app that has no PKCE an administrator unticks Require PKCE, or sets require_pkce: false."
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # BASE64URL(SHA-256), section 4.2
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # section 4.1


def at_authorization(request: AuthorizationRequest) -> None:
    """A challenge must be S256 and well-formed; a client that requires one must send one where it asks for a code."""
    challenge = request.params.one("code_challenge")
    method = request.params.one("code_challenge_method")
    if not challenge:
        for_a_code = CODE in request.channel.response_type.split()
        if request.client.public and for_a_code:
            raise InvalidRequest("code_challenge is required for this client (PKCE, RFC 7636).")
        if request.client.require_pkce and for_a_code:
            raise InvalidRequest(f"code_challenge is required for this client (PKCE, RFC 7636). {TURN_IT_OFF}")
        if method:
            raise InvalidRequest("code_challenge_method was sent without code_challenge.")
        request.challenge = NO_CHALLENGE
        return
    if method not in METHODS:
        raise InvalidRequest("code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be the base64url SHA-256 of the verifier: 43 characters.")
    request.challenge = Challenge(challenge, method)


def at_token(request: TokenRequest) -> None:
    """The verifier must fit the challenge; neither may come without the other (RFC 9700 section 2.1.1)."""
    verifier = request.params.one("code_verifier")
    if not request.challenge.value:
        if verifier:
            raise InvalidGrant("code_verifier was sent, but the authorization request had no code_challenge.")
        if request.client.public or request.client.require_pkce:
            raise InvalidGrant("This client needs PKCE, and the authorization request had no code_challenge.")
        return
    if not verifier:
        raise InvalidGrant("code_verifier is missing.")
    if not _VERIFIER.fullmatch(verifier):
        raise InvalidGrant("code_verifier must have 43 to 128 characters from A-Z a-z 0-9 - . _ ~")
    if not fits(verifier, request.challenge):
        raise InvalidGrant("code_verifier does not fit the code_challenge.")


def fits(verifier: str, challenge: Challenge) -> bool:
    """Whether the challenge was made of this verifier (section 4.6)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(digest, challenge.value)
