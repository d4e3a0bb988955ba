"""How much one caller asks: so much that no honest program comes near it, and a loop without end is told to stop."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest

from common import counters
from common.counters import Limit
from idp.api.access import Caller
from idp.api.problems import refused
from provider import trace
from provider.trace import Why

PER_CALLER = Limit("api", 3000, 60)  # requests of an app, or of a person by an app, within a minute
DETAIL = "At most {:,} requests a minute are answered to one caller. Wait, and ask less often."


def count(request: HttpRequest, caller: Caller) -> None:
    """Whoever has no token that works is no caller, and costs less than this."""
    if counters.count(PER_CALLER, caller.name) <= PER_CALLER.amount:
        return
    error = refused("too_many_requests", DETAIL.format(PER_CALLER.amount), Retry_After=str(PER_CALLER.seconds))
    client_id = caller.token.client.client_id
    trace.refused(request, Why("api", error.code, error.detail, HTTPStatus.TOO_MANY_REQUESTS, "rates", client_id))
    raise error
