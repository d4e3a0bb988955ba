"""What the page of an app that waits behind `next` wants of a sign-in. A layer above knows how to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from allauth.account.utils import get_next_redirect_url
from django.http import HttpRequest

from projects.upstream.oidc import NO_WISH, Wish


@dataclass(frozen=True, slots=True)
class Wanted:
    """`project`: the row of the project that the app is of; None: no app waits, or a guest."""

    project: int | None = None
    wish: Wish = NO_WISH


NOTHING = Wanted()
Read = Callable[[HttpRequest, str], Wanted]


def wanted_by(request: HttpRequest, next_url: str | None = None) -> Wanted:
    """Of the request of an app that this page leads to. Asked once for each request."""
    address = (get_next_redirect_url(request) if next_url is None else next_url) or ""
    read: Read | None = getattr(request, "read_next", None)
    if read is None or not address:
        return NOTHING
    known: dict[str, Wanted] = request.__dict__.setdefault("_wanted", {})
    if address not in known:
        known[address] = read(request, address)
    return known[address]
