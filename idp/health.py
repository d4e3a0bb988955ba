"""For load balancers: alive (the process answers) and ready (it can issue tokens)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.cache import caches
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from accounts.outbox import is_late
from clients.models import SigningKey
from clients.models.keys import KeyState
from common import issuer
from common.database_errors import lacks_tables
from common.jws import ALGORITHMS
from common.schema import missing_migrations, only_reads
from common.sealing import Unreadable
from common.unreleased import REASON, is_unreleased
from idp import VERSION
from provider.endpoints.http import Answer, Endpoint, as_view, json_answer, protocol_endpoint
from provider.keys import keyring
from provider.parameters import Request

logger = logging.getLogger(__name__)
OUTDATED = "The database lacks tables of this version: run manage.py migrate."


class Schema:
    """What this process found out about the tables: once they fit its code, they always will."""

    fits = False


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Before the host is checked: balancers and probes ask by address, and the answer depends on no name."""

    def handle(request: HttpRequest) -> HttpResponse:
        endpoint = ENDPOINTS.get(request.path_info)
        return as_view(endpoint)(request) if endpoint else get_response(request)

    return handle


@protocol_endpoint("GET")
def live(request: Request) -> Answer:
    """The process answers. `idp.server` says so itself, without asking us."""
    return json_answer({"status": "live"})


@protocol_endpoint("GET")
def ready(request: Request) -> Answer:
    """Whether this process can issue tokens, and what else people cannot do now.

    Warnings do not take the process out of service: its neighbours would have the same, and tokens go on.
    """
    try:
        reason = _unusable_database()
        keys = [] if reason else list(SigningKey.objects.filter(state__in=[KeyState.ACTIVE, KeyState.NEXT]))
    except DatabaseError as error:
        return _not_ready(OUTDATED if lacks_tables(error) else "The database does not answer.")
    active = [key for key in keys if key.state == KeyState.ACTIVE]
    reason = reason or _unusable_keys(active)
    if reason:
        return _not_ready(reason)
    warnings = [*_next_keys([key for key in keys if key.state == KeyState.NEXT]), *_silent_caches(), *_late_mail()]
    return json_answer({"status": "ready", "version": VERSION, "warnings": warnings})


def _unusable_database() -> str:
    """Why nothing can be issued with this database, or an empty string."""
    if is_unreleased(connection):
        return f"{REASON}: manage.py migrate says what to do."
    if not Schema.fits and missing_migrations(connection):
        return OUTDATED
    Schema.fits = True
    return "The database only reads." if only_reads(connection) else ""


def _unusable_keys(active: list[SigningKey]) -> str:
    """Why nothing can be signed, or an empty string."""
    if {key.algorithm for key in active} != set(ALGORITHMS):
        return "A signing key is missing: run quickstart."
    return next(iter(that_do_not_open(active)), "")


def _next_keys(following: list[SigningKey]) -> list[str]:
    """Next keys that do not open. When one is activated, nothing can be signed any more."""
    return [f"{problem} Do so before the next rotatekeys." for problem in that_do_not_open(following)]


def that_do_not_open(keys: list[SigningKey]) -> list[str]:
    problems = []
    for key in keys:
        try:
            keyring.require_opened(key)
        except Unreadable as error:
            problems.append(str(error))
    return problems


def _silent_caches() -> list[str]:
    """Caches that do not answer."""
    problems = []
    for alias in caches:
        try:
            caches[alias].get("ready")
        except Exception as error:  # each backend has its own
            logger.error("The cache %r does not answer: %s", alias, error)
            problems.append("The cache does not answer, so wrong passwords and codes cannot be counted.")
    return problems


def _late_mail() -> list[str]:
    return ["Mail has waited for ten minutes: is the worker running, and what does it say?"] if is_late() else []


def _not_ready(reason: str) -> Answer:
    return json_answer({"status": "unavailable", "reason": reason, "version": VERSION}, 503)


# Also at the root, whatever the path of the issuer: checks ask the process itself.
ENDPOINTS: dict[str, Endpoint] = {
    f"{base}/healthz/{endpoint.__name__}": endpoint for base in ("", issuer.path()) for endpoint in (live, ready)
}
