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
SEARCHES = Limit("api-searches", 100, 60)  # of what is looked for among all people of a project
DETAIL = "At most {:,} requests a minute are answered to one caller. Wait, and ask less often."


def count(request: HttpRequest, caller: Caller, limit: Limit | None = None) -> None:
    """Whoever has no token that works is no caller, and costs less than this."""
    limit = limit or PER_CALLER
    if counters.count(limit, caller.name) <= limit.amount:
        return
    error = refused("too_many_requests", DETAIL.format(limit.amount), Retry_After=str(limit.seconds))
    client_id = caller.token.client.client_id
    trace.refused(request, Why("api", error.code, error.detail, HTTPStatus.TOO_MANY_REQUESTS, "rates", client_id))
    raise error
