"""What must hold of an ID token from elsewhere (OpenID Connect Core 1.0 section 3.1.3.7). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    read = jws.parts(token, LONGEST)
    if read is None:
        raise Refused("malformed", "The ID token is no JWT.")
    if text_of(read.header.get("typ")).lower() not in TYPES:
        raise Refused("not_proved", "It is no ID token.")
    algorithm = read.algorithm
    if algorithm not in jws.FOREIGN:
        raise Refused("not_proved", "The ID token is signed by an algorithm that is not taken here.")
    key = find_key(read.header.get("kid"), algorithm)
    if key is None or not read.verified_by(key, algorithm):
        raise Refused("not_proved", "The signature of the ID token cannot be verified.")
    _check_parties(read.claims, expected)
    _check_times(read.claims, expected)
    if read.claims.get("nonce") != expected.nonce:
        raise Refused("replayed", "The nonce is another one.")
    return read.claims


def _check_parties(claims: Mapping[str, Json], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise Refused("another_issuer", "The ID token is of another issuer.")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if expected.client_id not in named:
        raise Refused("not_proved", "The ID token is for another client.")
    authorized = claims.get("azp", expected.client_id if len(named) == 1 else None)
    if authorized != expected.client_id:
        raise Refused("not_proved", "The ID token was made for another client.")
    sub = claims.get("sub")
    if not isinstance(sub, str) or not text_of(sub) or text_of(sub) != sub or len(sub) > LONGEST_SUB:
        raise Refused("malformed", "The ID token does not say who it is about.")


def _check_times(claims: Mapping[str, Json], expected: Expected) -> None:
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    if expires is None or issued is None:
        raise Refused("malformed", "The ID token does not say how long it holds.")
    begins = max(issued, _moment(claims, "nbf") or issued)
    if expires <= expected.now - SKEW or begins > expected.now + SKEW:
        raise Refused("clock", "The ID token is over, or not yet valid.")
    if expected.proved_since is None:
        return
    proved = _moment(claims, "auth_time")
    if proved is None or proved < expected.proved_since - SKEW:
        raise Refused("not_fresh", "It does not say that they proved it lately.")


def _moment(claims: Mapping[str, Json], name: str) -> int | None:
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
        auth_time=_moment(claims, "auth_time"),
        amr=methods_of(claims.get("amr")),
        acr=text_of(claims.get("acr"))[:200],
    )
