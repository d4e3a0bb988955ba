"""ID tokens that first-party apps send to their own API instead of an access token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vestibule_verifier import signed
from vestibule_verifier.claims import Claims, audiences, check_times, moment, text
from vestibule_verifier.errors import Invalid
from vestibule_verifier.provider import Provider

TYPES = frozenset({"JWT"})


@dataclass(frozen=True, slots=True)
class IDToken:
    """Who the person is, and which app says so. It carries no scopes and is not an AccessToken."""

    subject: str
    client_id: str  # for whom it was issued: me
    authorized_party: str  # the app that got it
    expires_at: float
    claims: Claims = field(repr=False)


class IDTokenVerifier:
    """Checks ID tokens issued for `client_id`, this API's own client, to one of the apps of `authorized_parties`.

    The list is complete: an app that is not on it is refused, be it this API's own client. What ends a sign-in early
    is not seen here: the token is accepted until it expires.
    """

    def __init__(self, provider: Provider, client_id: str, authorized_parties: Iterable[str]) -> None:
        parties = [authorized_parties] if isinstance(authorized_parties, str) else authorized_parties
        self._provider, self._client_id = provider, client_id
        self._authorized_parties = frozenset(parties)
        if not client_id or not self._authorized_parties or "" in self._authorized_parties:
            raise ValueError("Name this API's client id and the apps that may send its ID tokens.")

    def verify(self, token: str) -> IDToken:
        """The ID token, when it is genuine, alive, for me and from an app on my list; raises TokenError."""
        claims = signed.read(
            token, self._provider.keys, TYPES, "This is not an ID token. An access token is not accepted here."
        )
        if claims.get("iss") != self._provider.issuer:
            raise Invalid("The token is another issuer's.")
        check_times(claims)
        # Alone: whoever else is named could send it here too (OpenID Connect Core 1.0 section 3.1.3.7).
        if audiences(claims) != (self._client_id,):
            raise Invalid("The token is for another client.")
        if text(claims, "azp") not in self._authorized_parties:
            raise Invalid("The app that got this token may not use it here.")
        if "cnf" in claims:
            raise Invalid("The token is bound to a key, which is not checked here.")
        return IDToken(
            subject=text(claims, "sub"),
            client_id=self._client_id,
            authorized_party=text(claims, "azp"),
            expires_at=moment(claims, "exp"),
            claims=claims,
        )
