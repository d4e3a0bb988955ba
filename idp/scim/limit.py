"""A directory that ends very many people at once is stopped (`clients.endings`): it says so, and all else goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpResponse

from accounts import provisioning
from clients import endings
from clients.endings import TooMany
from idp.scim import errors
from idp.scim.door import At

STOPPED = (
    "This directory ended so many accounts within an hour that it may be a mistake. It ends nobody more until whoever "
    "runs this provider lets it go on. Everything else is done as before."
)
Way = Callable[[At, str], HttpResponse]


def count(asked: At) -> None:
    """Somebody ends now, or is deleted. Raises TooMany, which `kept` answers."""
    endings.count(asked.caller.token.client.id, lambda: provisioning.number_of(asked.source))


def kept(way: Way) -> Way:
    """403: that it waits and asks again changes nothing. The transaction of the request is over by then."""

    @wraps(way)
    def answered(asked: At, key: str) -> HttpResponse:
        try:
            return way(asked, key)
        except TooMany:
            endings.stop(asked.caller.token.client.id, asked.by)
            raise errors.forbidden(STOPPED) from None

    return answered
