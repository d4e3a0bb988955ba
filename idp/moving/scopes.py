"""Scopes of another site, each judged by itself: one that cannot be here stands in the way of nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from django.utils.translation import override

from idp.moving.source import Value, text
from projects import api_registration
from projects.metadata import Scope
from projects.scopes import SIGN_IN_SCOPES


@lru_cache(maxsize=10_000)
def why_not(scope: str) -> str:
    """Why no API here can offer it, or an empty string."""
    if scope in SIGN_IN_SCOPES:
        return ""
    with override("en"):
        return next((one.message for one in api_registration.scope_problems([Scope(scope, scope)])), "")


def good_scopes(scope: Value) -> tuple[str, ...]:
    """Those that a token may have here. One of our own API would be worth more here than it was there."""
    return tuple(dict.fromkeys(one for one in text(scope).split() if not why_not(one)))


def left_out(scopes: Iterable[str]) -> dict[str, str]:
    """The others, each with its reason."""
    return {one: why for one in sorted(set(scopes)) if (why := why_not(one))}
