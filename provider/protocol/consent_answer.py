"""What a project's own consent page answers for a person: never more than was asked (protocol section 28). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from projects.matcher import Malformed, canonical
from provider.protocol.request import Choice

SCOPES, AUDIENCES = "grant_scope", "grant_access_token_audience"
Covers = Callable[[str, str], bool]


class Wrong(NamedTuple):
    """Where, and why."""

    field: str
    message: str
    code: str
    value: str = ""


def problems(asked: Choice, scopes: Sequence[str], audiences: Sequence[str], covers: Covers) -> Iterator[Wrong]:
    """Why this may not be granted. An audience may be granted whole, or a part of it: an address below."""
    for index, one in enumerate(scopes):
        if one not in asked.scopes:
            yield Wrong(f"{SCOPES}[{index}]", "This scope was not asked for.", "not_asked", one)
    for index, one in enumerate(audiences):
        if not _asked(asked, one, covers):
            yield Wrong(f"{AUDIENCES}[{index}]", "This audience was not asked for.", "not_asked", one)
    if "openid" in asked.scopes and "openid" not in scopes:
        yield Wrong(SCOPES, "openid was asked for, and nothing works without it: grant it, or reject.", "needed")
    elif not (scopes or audiences):
        yield Wrong(SCOPES, "Nothing would be granted. Reject the request instead.", "needed")


def _asked(asked: Choice, audience: str, covers: Covers) -> bool:
    try:
        return audience in asked.audiences or any(covers(one, audience) for one in asked.audiences)
    except Malformed:
        return False


def granted(asked: Choice, scopes: Sequence[str], audiences: Sequence[str]) -> Choice:
    """The same in the order of the request; parts of audiences last, spelled as tokens carry them."""
    parts = [canonical(one) for one in audiences if one not in asked.audiences]
    whole = [one for one in asked.audiences if one in audiences]
    return Choice(tuple(one for one in asked.scopes if one in scopes), tuple(dict.fromkeys((*whole, *parts))))
