"""What a request object says (RFC 9101, OpenID Connect Core 1.0 section 6.1): parameters an app signed. Pure.

They count alone: what stands beside the object is compared where it has to be there, and never added to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from provider.protocol.errors import InvalidRequestObject
from provider.protocol.facts import Json
from provider.protocol.foreign_jwt import SKEW, Unacceptable, check_begun, moment, names_us, needed_moment, text
from provider.protocol.request import Params

TYPES = ("oauth-authz-req+jwt", "jwt")  # or none
OLDEST = LONGEST = 3600  # seconds, of those that have to say when they are good (FAPI 2.0 Message Signing 5.3.1)
MAX_PARAMETERS = 100
MAX_LENGTH = 16_384  # characters of a value
ABOUT_THE_JWT = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
REPEATABLE = frozenset({"audience", "resource"})
# May stand in the URI, too, and then say the same. A `scope` there need not: OpenID Connect wants one with `openid`,
# whatever the object asks for.
BESIDE = ("client_id", "response_type")


@dataclass(frozen=True, slots=True)
class Expected:
    """Whose it is to be, for whom, and when. `dated`: it has to say from when until when it is good."""

    client_id: str
    issuer: str
    now: float
    dated: bool = False


def parameters(claims: Mapping[str, Json], beside: Params, expected: Expected) -> tuple[tuple[str, str], ...]:
    """The parameters of the request. Raises InvalidRequestObject."""
    try:
        _check_origin(claims, expected)
        _check_time(claims, expected)
    except Unacceptable as error:
        raise InvalidRequestObject(f"The request object is not acceptable: {error}") from None
    said = [(name, value) for name, value in claims.items() if name not in ABOUT_THE_JWT]
    pairs = [pair for name, value in said for pair in _pairs(name, value)]
    if len(pairs) > MAX_PARAMETERS:
        raise InvalidRequestObject(f"A request object has at most {MAX_PARAMETERS} parameters.")
    found = Params(pairs)
    if found.has("request") or found.has("request_uri"):
        raise InvalidRequestObject("A request object holds no other, and no request_uri.")
    for name in BESIDE:
        if beside.has(name) and found.has(name) and beside.one(name) != found.one(name):
            raise InvalidRequestObject(f"{name} in the request object is not the one beside it.")
    return tuple(pairs) if found.has("client_id") else (("client_id", expected.client_id), *pairs)


def _check_origin(claims: Mapping[str, Json], expected: Expected) -> None:
    if text(claims, "iss") != expected.client_id:
        raise Unacceptable("iss has to be the client_id.")
    if not names_us(claims, expected.issuer):
        raise Unacceptable("aud has to be the issuer of this provider, or name it.")
    if claims.get("sub") == expected.client_id:  # an assertion of the client looks like that (RFC 9101 section 10.8)
        raise Unacceptable("sub must not be the client_id.")


def _check_time(claims: Mapping[str, Json], expected: Expected) -> None:
    """Ended is ended. Only who has to says when it began, and not for longer than an hour."""
    check_begun(claims, expected.now)
    expires = moment(claims, "exp")
    if expires is not None and expires <= expected.now - SKEW:
        raise Unacceptable("exp is over: make a new one for each request.")
    if not expected.dated:
        return
    begins, ends = needed_moment(claims, "nbf"), needed_moment(claims, "exp")
    if begins < expected.now - OLDEST - SKEW:
        raise Unacceptable("nbf is too long ago: at most an hour.")
    if ends - begins > LONGEST + SKEW:
        raise Unacceptable("exp is too far from nbf: at most an hour.")


def _pairs(name: str, value: Json) -> list[tuple[str, str]]:
    """As they would stand in a URI: several of what may repeat, JSON where a parameter is that."""
    if isinstance(value, list) and name in REPEATABLE:
        return [(name, _word(name, one)) for one in value]
    if isinstance(value, Mapping) and name == "claims":
        return [(name, json.dumps(value))]
    return [(name, _word(name, value))]


def _word(name: str, value: Json) -> str:
    """Numbers and flags as they are written; anything else that is no text is no parameter (rule G9)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < 10**15:
        return str(value)
    if not isinstance(value, str) or len(value) > MAX_LENGTH or "\0" in value:
        raise InvalidRequestObject(f"{name[:40]} in the request object is not a text.")
    return value
