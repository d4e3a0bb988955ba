"""What to ask a person, and what their answer means. Pure: no Django, no OAuth parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from projects.matcher import covers


@dataclass(frozen=True, slots=True)
class Permission:
    """Scopes and audiences, each in the order they were asked."""

    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.scopes or self.audiences)


def missing(asked: Permission, given: Permission) -> Permission:
    """The part of `asked` that `given` does not cover yet (audiences by prefix)."""
    return Permission(
        tuple(scope for scope in asked.scopes if scope not in given.scopes),
        tuple(one for one in asked.audiences if not any(covers(has, one) for has in given.audiences)),
    )


def merge(given: Permission, more: Permission) -> Permission:
    """Everything allowed before and now; an audience another one covers is not kept twice."""
    scopes = tuple(dict.fromkeys((*given.scopes, *more.scopes)))
    return Permission(scopes, _outermost((*given.audiences, *more.audiences)))


def _outermost(audiences: Iterable[str]) -> tuple[str, ...]:
    kept: Sequence[str] = ()
    for one in audiences:
        if not any(covers(has, one) for has in kept):
            kept = (*(has for has in kept if not covers(one, has)), one)
    return tuple(kept)
