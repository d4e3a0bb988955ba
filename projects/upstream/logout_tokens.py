"""What must hold of a logout token from elsewhere (OpenID Connect Back-Channel Logout 1.0 section 2.6). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from common.json_type import Json
from projects.upstream.id_tokens import FindKey, check_audience, check_times, is_sub, moment, read, signed
from projects.upstream.told import Refused, text_of

TYPES = ("logout+jwt", "jwt", "")  # section 2.4 recommends the first, and takes the others
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Whom, or which sessions, it is about: one of the two is there. `at`: when they said so."""

    sub: str
    sids: tuple[str, ...]
    at: int


def verified(token: str, issuer: str, client_id: str, now: int, find_key: FindKey) -> SignedOut:
    """Raises Refused. No ID token is one: it has a nonce, and names no such event."""
    claims = signed(token, TYPES, find_key)
    _check(claims, issuer, client_id, now)
    return SignedOut(_sub(claims), tuple(filter(None, [_sid(claims)])), max(moment(claims, "iat") or 0, 0))


def check_unsigned(token: str, issuer: str, client_id: str, now: int) -> None:
    """Before anybody is asked for a key: nothing that could not hold is worth it. Raises Refused."""
    _check(read(token, TYPES).claims, issuer, client_id, now)


def _check(claims: Mapping[str, Json], issuer: str, client_id: str, now: int) -> None:
    check_audience(claims, issuer, client_id)
    check_times(claims, now)
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise Refused("not_proved", "The token is no logout token.")
    if "nonce" in claims:
        raise Refused("not_proved", "The token has a nonce, as no logout token has.")


def _sub(claims: Mapping[str, Json]) -> str:
    if "sub" not in claims:
        if "sid" in claims:
            return ""
        raise Refused("malformed", "The token names nobody and no session.")
    if not is_sub(claims["sub"]):
        raise Refused("malformed", "The token does not say who it is about.")
    return text_of(claims["sub"])


def _sid(claims: Mapping[str, Json]) -> str:
    """One that cannot be read is no reason to end every session of somebody."""
    sid = text_of(claims.get("sid"))
    if "sid" in claims and not sid:
        raise Refused("malformed", "The token does not say which session it is about.")
    return sid
