"""What to ask a person, and what their answer means. Pure: no Django, no OAuth parameters.

`covers` says whether what was allowed at the one audience holds at the other. It is `Apis.covers`, of APIs near both:
below it, and within one API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

Covers: TypeAlias = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Permission:
    """Scopes and audiences, each in the order they were asked."""

    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.scopes or self.audiences)


def missing(asked: Permission, given: Permission, covers: Covers) -> Permission:
    """The part of `asked` that `given` does not cover yet."""
    return Permission(
        tuple(scope for scope in asked.scopes if scope not in given.scopes),
        tuple(one for one in asked.audiences if not any(covers(has, one) for has in given.audiences)),
    )


def merge(given: Permission, more: Permission, covers: Covers) -> Permission:
    """Everything allowed before and now; an audience another one covers is not kept twice."""
    scopes = tuple(dict.fromkeys((*given.scopes, *more.scopes)))
    return Permission(scopes, _outermost((*given.audiences, *more.audiences), covers))


def overlaps(held: Permission, part: Permission, covers: Covers) -> bool:
    """Whether `held` contains any of `part`; a wider audience contains what is below it, and the other way round."""
    near = any(_related(one, other, covers) for one in held.audiences for other in part.audiences)
    return near or not set(held.scopes).isdisjoint(part.scopes)


def without(given: Permission, part: Permission, covers: Covers) -> Permission:
    """What is left of `given` when `part` is revoked. A wider audience goes too: it works where the revoked one did."""
    return Permission(
        tuple(scope for scope in given.scopes if scope not in part.scopes),
        tuple(one for one in given.audiences if not any(_related(one, gone, covers) for gone in part.audiences)),
    )


def lost_with_audience(
    held: Permission, audience: str, offered: Callable[[str], AbstractSet[str]], covers: Covers
) -> Permission:
    """What is lost with an audience: also its API's scopes, unless a remaining audience offers them too.

    `offered` says which scopes the API of an audience has.
    """
    kept = without(held, Permission((), (audience,)), covers).audiences
    gone = tuple(one for one in held.audiences if one not in kept)
    lost = _union(map(offered, gone)) - _union(map(offered, kept))
    return Permission(tuple(scope for scope in held.scopes if scope in lost), gone)


def outermost(held: Permission, covers: Covers) -> Permission:
    """The same, without audiences that another one covers."""
    return merge(Permission(), held, covers)


def _related(one: str, other: str, covers: Covers) -> bool:
    return covers(one, other) or covers(other, one)


def _union(sets: Iterable[AbstractSet[str]]) -> set[str]:
    return {item for one in sets for item in one}


def _outermost(audiences: Iterable[str], covers: Covers) -> tuple[str, ...]:
    kept: Sequence[str] = ()
    for one in audiences:
        if not any(covers(has, one) for has in kept):
            kept = (*(has for has in kept if not covers(one, has)), one)
    return tuple(kept)
