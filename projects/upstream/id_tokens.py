"""What must hold of an ID token from elsewhere (OpenID Connect Core 1.0 section 3.1.3.7). Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from common import jws
from common.json_type import Json
from projects.upstream.told import Refused, Told, methods_of, text_of, uid_of

SKEW = 60  # seconds that clocks may differ
LONGEST = 65_536  # characters: groups may be in it
LONGEST_SUB = 255
TYPES = ("", "jwt")  # what an ID token may call itself; a logout token is none
FindKey = Callable[[Json, str], jws.PublicKey | None]


@dataclass(frozen=True, slots=True)
class Expected:
    issuer: str
    client_id: str
    nonce: str
    now: int
    proved_since: int | None = None  # asked for: then it has to say when they proved it


def verified(token: str, expected: Expected, find_key: FindKey) -> dict[str, Json]:
    """Its claims, once everything holds. Raises Refused with the reason that a page explains."""
    claims = signed(token, TYPES, find_key)
    check_audience(claims, expected.issuer, expected.client_id)
    _check_who(claims, expected.client_id)
    check_times(claims, expected.now)
    _check_fresh(claims, expected)
    if claims.get("nonce") != expected.nonce:
        raise Refused("replayed", "The nonce is another one.")
    return claims


def signed(token: str, types: Collection[str], find_key: FindKey) -> dict[str, Json]:
    """The claims of a token of one of these types, as its issuer signed them. Raises Refused."""
    parts = read(token, types)
    key = find_key(parts.header.get("kid"), parts.algorithm)
    if key is None or not parts.verified_by(key, parts.algorithm):
        raise Refused("not_proved", "The signature of the token cannot be verified.")
    return parts.claims


def read(token: str, types: Collection[str]) -> jws.Parts:
    """What anybody may have written. Raises Refused: nobody's signature could make it a token of these types."""
    parts = jws.parts(token, LONGEST)
    if parts is None:
        raise Refused("malformed", "The token is no JWT.")
    if text_of(parts.header.get("typ")).lower() not in types:
        raise Refused("not_proved", "The token is of another type.")
    if parts.algorithm not in jws.FOREIGN:
        raise Refused("not_proved", "The token is signed by an algorithm that is not taken here.")
    return parts


def check_audience(claims: Mapping[str, Json], issuer: str, client_id: str) -> None:
    if claims.get("iss") != issuer:
        raise Refused("another_issuer", "The token is of another issuer.")
    if client_id not in _audience(claims):
        raise Refused("not_proved", "The token is for another client.")


def _audience(claims: Mapping[str, Json]) -> Sequence[Json]:
    audience = claims.get("aud")
    return [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []


def _check_who(claims: Mapping[str, Json], client_id: str) -> None:
    authorized = claims.get("azp", client_id if len(_audience(claims)) == 1 else None)
    if authorized != client_id:
        raise Refused("not_proved", "The ID token was made for another client.")
    if not is_sub(claims.get("sub")):
        raise Refused("malformed", "The ID token does not say who it is about.")


def is_sub(value: Json) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_SUB and text_of(value) == value


def check_times(claims: Mapping[str, Json], now: int) -> None:
    expires, issued = moment(claims, "exp"), moment(claims, "iat")
    if expires is None or issued is None:
        raise Refused("malformed", "The token does not say how long it holds.")
    begins = max(issued, moment(claims, "nbf") or issued)
    if expires <= now - SKEW or begins > now + SKEW:
        raise Refused("clock", "The token is over, or not yet valid.")


def _check_fresh(claims: Mapping[str, Json], expected: Expected) -> None:
    if expected.proved_since is None:
        return
    proved = moment(claims, "auth_time")
    if proved is None or proved < expected.proved_since - SKEW:
        raise Refused("not_fresh", "It does not say that they proved it lately.")


def moment(claims: Mapping[str, Json], name: str) -> int | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < 2**53 else None


def told_by(claims: Mapping[str, Json], uid: str = "") -> Told:
    """The same, as every connector tells it."""
    return Told(
        uid=uid_of(uid or text_of(claims.get("sub"))),
        email=text_of(claims.get("email")),
        email_verified=claims.get("email_verified") is True,
        claims=claims,
        auth_time=moment(claims, "auth_time"),
        amr=methods_of(claims.get("amr")),
        acr=text_of(claims.get("acr"))[:200],
        session=text_of(claims.get("sid")),
    )
