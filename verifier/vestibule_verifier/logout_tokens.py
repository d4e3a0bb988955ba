"""Logout tokens: the provider tells an app that somebody's session ended (Back-Channel Logout 1.0 section 2.6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from vestibule_verifier import signed
from vestibule_verifier.claims import Claims, audiences, check_times, text
from vestibule_verifier.errors import Invalid
from vestibule_verifier.provider import Provider

TYPES = frozenset({"logout+jwt"})
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """End the session of this `sid`, the one of the ID token it began with. `jti` is new for each message."""

    subject: str
    sid: str
    jti: str
    claims: Claims = field(repr=False)


class LogoutTokenVerifier:
    """Checks what is POSTed as `logout_token` to the back-channel logout URI of the app `client_id`."""

    def __init__(self, provider: Provider, client_id: str) -> None:
        if not client_id:
            raise ValueError("Name the app's client id.")
        self._provider, self._client_id = provider, client_id

    def verify(self, token: str) -> LogoutToken:
        """The logout token, when it is genuine, alive and for me; raises TokenError: answer 400 then."""
        claims = signed.read(token, self._provider.keys, TYPES, "This is not a logout token.")
        if claims.get("iss") != self._provider.issuer:
            raise Invalid("The token is another issuer's.")
        check_times(claims)
        if self._client_id not in audiences(claims):
            raise Invalid("The token is for another client.")
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
            raise Invalid("The token does not say that a session ended.")
        if "nonce" in claims:
            raise Invalid("A logout token has no nonce.")  # else an ID token could be taken for one
        return LogoutToken(text(claims, "sub"), text(claims, "sid"), text(claims, "jti"), claims)
