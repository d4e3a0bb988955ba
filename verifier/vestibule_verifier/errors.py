"""Why a request with a token is refused. The sentences are ours: nothing of a token is ever in them."""

from __future__ import annotations


class TokenError(Exception):
    """The request must not be served. `code` and `status` are those of RFC 6750 section 3.1."""

    code = "invalid_token"
    status = 401


class Missing(TokenError):
    """No token was sent."""


class Invalid(TokenError):
    """This token gives no access here, and sending it again will not help."""


class InvalidProof(Invalid):
    """The token is bound to a key, and this DPoP proof does not prove it (RFC 9449 section 7.1)."""

    code = "invalid_dpop_proof"


class NonceNeeded(InvalidProof):
    """The proof needs a nonce of this API, and here it is (RFC 9449 section 9)."""

    code = "use_dpop_nonce"

    def __init__(self, nonce: str) -> None:
        super().__init__("Make a DPoP proof with the nonce of the DPoP-Nonce header.")
        self.nonce = nonce


class InsufficientScope(TokenError):
    """The token is good, but the person or operator did not allow this."""

    code = "insufficient_scope"
    status = 403

    def __init__(self, scope: str, held: frozenset[str] = frozenset()) -> None:
        super().__init__(f"The access token needs the scope {scope}.")
        self.scope = scope
        self.held = held  # what the token has


class Unavailable(TokenError):
    """Whether the token is good cannot be known now: the provider does not answer, or not sensibly.

    The message is for the API's own log.
    """

    code = "temporarily_unavailable"
    status = 503
