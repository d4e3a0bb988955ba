"""Signing out on behalf of an app, and telling apps that somebody signed out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provider.protocol.claims import Claims

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_CLAIMS = ("iss", "aud", "iat", "exp", "jti", "sub", "sid", "events")
TOKEN_LIFETIME = 120  # seconds: it is sent when it is made


@dataclass(frozen=True, slots=True)
class Hint:
    """What an `id_token_hint` says: whose, of which sign-in (empty: it does not say), for which clients.

    By the names that we know them by. No `sub`: nobody is meant any more.
    """

    sub: str
    sid: str
    audience: str
    parties: frozenset[str]


def hint_of(claims: Mapping[str, object]) -> Hint:
    audience, party = str(claims["aud"]), str(claims["azp"])
    return Hint(str(claims["sub"]), str(claims.get("sid", "")), audience, frozenset((audience, party)))


def goes_without_asking(hint: Hint | None, sub: str, sid: str) -> bool:
    """Whether the hint names this very session; anything else could be a link that somebody else sent the person.

    RP-Initiated Logout 1.0 section 2: without a hint, or with one of somebody else, the person has to be asked.
    """
    return hint is not None and hint.sub == sub and hint.sid in ("", sid)


def logout_token(*, issuer: str, client_id: str, sub: str, sid: str, jti: str, now: int) -> Claims:
    """Back-Channel Logout 1.0 section 2.4; never with a nonce, so that nobody takes it for an ID token."""
    return {
        "iss": issuer,
        "aud": client_id,
        "iat": now,
        "exp": now + TOKEN_LIFETIME,
        "jti": jti,
        "sub": sub,
        "sid": sid,
        "events": {EVENT: {}},
    }
