"""JWT access tokens, checked without asking anybody (RFC 9068 section 4)."""

from __future__ import annotations

from vestibule_verifier import signed
from vestibule_verifier.access import AccessTokenVerifier
from vestibule_verifier.claims import Claims, check_times, text
from vestibule_verifier.errors import Invalid

TYPES = frozenset({"at+jwt", "application/at+jwt"})


class LocalVerifier(AccessTokenVerifier):
    """Checks JWT access tokens with the provider's public keys.

    What ends a token early is not seen here: a person who was deactivated, a client that was disabled, a consent that
    was taken back. Such a token is accepted until it expires. Where that is too late, use IntrospectionVerifier.
    """

    def _genuine(self, token: str) -> Claims:
        claims = signed.read(
            token, self.provider.keys, TYPES, "This is not a JWT access token. An ID token is not accepted here."
        )
        if claims.get("iss") != self.provider.issuer:
            raise Invalid("The token is another issuer's.")
        check_times(claims)
        text(claims, "jti")
        return claims
