"""What a device asks for, and the code that a person types for it (RFC 8628)."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from provider.protocol import prompts
from provider.protocol.errors import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    InvalidRequest,
    RequestNotSupported,
    RequestUriNotSupported,
    SlowDown,
)
from provider.protocol.request import AuthorizationRequest, Params

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
LIFETIME = 600  # seconds for which a device waits
INTERVAL = 5  # seconds between two requests of a device
SLOWER_BY = 5  # seconds, each time it asks too early (section 3.5)
LONGEST_INTERVAL = 60
EARLY = 1  # seconds that a timer and a network may be wrong by

# Section 6.1: no vowels, so that no words come of it, nothing that is mistaken for a digit, and no digits.
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
MAX_TYPED = 100  # characters
_USER_CODE = re.compile(f"[{LETTERS}]{{{LENGTH}}}")
_BETWEEN = re.compile(r"[\s_.\-\u00ad\u200b-\u200f\u2010-\u2015\u2066-\u2069\u2212]+")  # what keyboards and copying add

# What is kept of a request: what the person is asked, and what they must prove of their sign-in. No credentials.
KEPT = ("scope", "audience", "resource", "claims", "access_type", "prompt", "max_age", "acr_values")


class State(Enum):
    """What became of a device's request."""

    PENDING = "authorization-pending"
    ALLOWED = "authorized"
    DENIED = "denied"


def kept(params: Params) -> Params:
    """Of a request what its page and its ceiling follow from, as it was sent."""
    return Params([(name, value) for name, value in params if name in KEPT and value])


def check_shape(request: AuthorizationRequest) -> None:
    """A device waits for a person, so it cannot ask that nobody is shown anything."""
    params = request.params
    if params.one("request"):
        raise RequestNotSupported("request is not supported here: send the parameters themselves.")
    if params.one("request_uri"):
        raise RequestUriNotSupported("request_uri is not supported here: send the parameters themselves.")
    if prompts.read(params).silent:
        raise InvalidRequest("prompt=none is not possible here: a person has to confirm the code.")


def typed(text: str) -> str:
    """The user code somebody means, or an empty text. Case, dashes and spaces do not count (section 6.1)."""
    if len(text) > MAX_TYPED:
        return ""
    code = _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()
    return code if _USER_CODE.fullmatch(code) else ""


def shown(user_code: str) -> str:
    """In two halves, which people read and type more easily."""
    return f"{user_code[: LENGTH // 2]}-{user_code[LENGTH // 2 :]}"


def answer_poll(state: State, *, expired: bool, hasty: bool) -> None:
    """What a device hears that asks for its tokens; nothing: they are there (section 3.5).

    A no stays a no. Only who waits can be too hasty: it is a way of saying that nothing was decided.
    """
    if state is State.DENIED:
        raise AccessDenied("The person denied the request.")
    if expired:
        raise ExpiredToken("The device code has expired. Ask for another one.")
    if state is State.PENDING and hasty:
        raise SlowDown(f"Ask {SLOWER_BY} seconds less often: now, and from now on.")
    if state is State.PENDING:
        raise AuthorizationPending
