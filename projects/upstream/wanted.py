"""What the page of an app that waits behind `next` wants of a sign-in. A layer above knows how to read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from allauth.account.utils import get_next_redirect_url
from django.http import HttpRequest

from projects.upstream.oidc import NO_WISH, Wish


@dataclass(frozen=True, slots=True)
class Wanted:
    """`project`: the row of the project that the app is of; None: no app waits, or a guest."""

    project: int | None = None
    wish: Wish = NO_WISH


NOTHING = Wanted()


class Read(Protocol):
    def __call__(self, request: HttpRequest, address: str, *, going: bool) -> Wanted: ...


def wanted_by(request: HttpRequest, next_url: str | None = None, *, going: bool = False) -> Wanted:
    """Of the request of an app that this page leads to. Asked once for each request.

    `going`: there, with all that it wants. A page that is drawn needs no more than whose it is, and no network.
    """
    address = (get_next_redirect_url(request) if next_url is None else next_url) or ""
    read: Read | None = getattr(request, "read_next", None)
    if read is None or not address:
        return NOTHING
    known: dict[tuple[str, bool], Wanted] = request.__dict__.setdefault("_wanted", {})
    if (address, going) not in known:
        known[address, going] = read(request, address, going=going)
    return known[address, going]
