"""Reading claims whose origin is known to be good already. That they are well-formed is still not believed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from vestibule_verifier.errors import Invalid
from vestibule_verifier.matcher import Malformed, covers, matches, parse

# What a token says. Of any type: whoever reads a claim asks what it is.
Claims = Mapping[str, Any]
LEEWAY = 60  # seconds by which the clocks of provider and API may differ
_END_OF_TIME = 2**53
_SCOPE = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('"\\')  # RFC 6749 section 3.3


def text(claims: Claims, name: str) -> str:
    """A claim that must be a text and not empty."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid("The token lacks a claim that this API needs.")
    return value


def moment(claims: Claims, name: str) -> float:
    """A claim that must be a time, in seconds since the epoch."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _END_OF_TIME:
        raise Invalid("The token lacks a time that this API needs.")
    return value


def check_times(claims: Claims) -> None:
    """`exp` and `iat` must be there, `nbf` may be; all of them with LEEWAY."""
    now = time.time()
    if now >= moment(claims, "exp") + LEEWAY:
        raise Invalid("The token has expired.")
    not_before = moment(claims, "nbf") if "nbf" in claims else 0
    if now + LEEWAY < max(not_before, moment(claims, "iat")):
        raise Invalid("The token is not valid yet.")


def audiences(claims: Claims) -> tuple[str, ...]:
    """`aud`: a text, or a list of texts."""
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str) and one for one in values):
        raise Invalid("The token does not say for whom it is.")
    return tuple(values)


def scopes(value: str) -> frozenset[str]:
    """The scopes an API asks for, separated by spaces; raises ValueError for what cannot be a scope."""
    if not all(map(is_scope, value.split(" "))):
        raise ValueError(f"{value!r} has characters no scope has.")
    return frozenset(value.split())


def is_scope(value: str) -> bool:
    """Whether it has no character that a scope cannot have, and so may stand in a header."""
    return _SCOPE.issuperset(value)


class Audiences:
    """Which audiences of a token mean this API: its identifiers and what lies below them by path.

    Never what lies above: a token for everything of an origin was not asked for this API by name. `others` are
    identifiers of other APIs below one of mine; tokens for those are theirs.
    """

    def __init__(self, mine: str | Iterable[str], others: Iterable[str] = ()) -> None:
        self.identifiers = (mine,) if isinstance(mine, str) else tuple(mine)
        if not self.identifiers:
            raise ValueError("Name at least one identifier of this API.")
        self.others = (others,) if isinstance(others, str) else tuple(others)
        for other in self.others:
            parse(other)
        self._mine = [
            (parse(one), [parse(other) for other in self.others if not covers(other, one)]) for one in self.identifiers
        ]

    def among(self, audience: Iterable[str]) -> tuple[str, ...]:
        """Those of a token's audiences that are this API."""
        return tuple(one for one in audience if self._is_mine(one))

    def _is_mine(self, audience: str) -> bool:
        try:
            parsed = parse(audience)
        except Malformed:
            return False
        return any(
            matches(identifier, parsed) and not any(matches(other, parsed) for other in others)
            for identifier, others in self._mine
        )
