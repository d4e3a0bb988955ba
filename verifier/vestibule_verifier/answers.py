"""HTTP around a token: where it is in a request, and how a refusal is answered (RFC 6750)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from vestibule_verifier.challenge import challenge
from vestibule_verifier.errors import Missing, NonceNeeded, TokenError, Unavailable
from vestibule_verifier.metadata import ProtectedResource

logger = logging.getLogger(__name__)
RETRY_AFTER = 5  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, str]


def bearer(header: str) -> str:
    """The token of an Authorization header; raises Missing. A token in the URI or a form is not looked for."""
    scheme, _space, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Missing("Send an access token in the Authorization header.")
    return token.strip()


def presented(header: str) -> tuple[str, str]:
    """The scheme of an Authorization header, in small letters, and its token: bearer or dpop; raises Missing."""
    scheme, _space, token = header.partition(" ")
    if scheme.lower() not in ("bearer", "dpop") or not token.strip():
        raise Missing("Send an access token in the Authorization header.")
    return scheme.lower(), token.strip()


def answer(
    error: TokenError,
    realm: str = "api",
    scheme: str = "bearer",
    resource: ProtectedResource | None = None,
    scope: str = "",
) -> Answer:
    """Status, headers and JSON body. Why the provider cannot be asked goes to the log, not to the caller.

    `scheme`: the one that the request used. The challenge is of that one. `scope`: what the request needs; the app
    hears it where a `resource` describes the API.
    """
    headers = {"Cache-Control": "no-store"}
    description = str(error)
    if isinstance(error, Unavailable):
        logger.warning("Tokens cannot be checked: %s", error)
        description = "Tokens cannot be checked at the moment. Try again."
        headers["Retry-After"] = str(RETRY_AFTER)
    else:
        headers["WWW-Authenticate"] = challenge(error, realm, scheme, resource, scope)
    if isinstance(error, NonceNeeded):
        headers["DPoP-Nonce"] = error.nonce
    return Answer(error.status, headers, {"error": error.code, "error_description": description})
