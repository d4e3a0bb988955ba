"""What a refused request leaves behind: one line of the log, and a row (`provider.store.refusals`).

Neither holds a value that was sent: no secret, code, token, password, `state` or `nonce`, and no address with its
query. A client is named when it is registered; any other name might be a secret in the wrong place. Nothing is done
here for a request that succeeds.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from django.db import DatabaseError, InterfaceError

from clients.models.choices import GrantType
from clients.models.refusal import MAX_DESCRIPTION, MAX_NETWORK, MAX_STEP
from common.address import address_of
from common.arrival import Arrival, arrival_of
from common.networks import network_of
from provider import parameters
from provider.client_authentication import client_named
from provider.facts import find_client
from provider.parameters import Request
from provider.protocol.errors import AuthorizationPending, Refusal, TemporarilyUnavailable, speakable
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params
from provider.store import refusals
from provider.store.refusals import Refused, Same

logger = logging.getLogger("vestibule.requests")
# What apps ask for in the background, and what people decide: nothing is wrong.
EXPECTED = frozenset({"login_required", "consent_required", "interaction_required", "slow_down", "expired_token"})
# Of an address that was sent: what stands before its host, and after its path.
_NAMES_IN_ADDRESS = re.compile(r"(?<=://)[^\s/?#]*@")
_QUERY = re.compile(r"[?#].*")


@dataclass(frozen=True, slots=True)
class Why:
    """What was refused. `client_id`: as it was sent, known or not."""

    endpoint: str
    error: str
    description: str
    status: int
    step: str = ""
    client_id: str = ""
    grant_type: str = ""


def refused(request: Request, why: Why, *, in_log: bool = True) -> None:
    """Tell of it, once per request. Never fails. `in_log`: nobody else writes a line."""
    arrival = arrival_of(request)
    arrival.told, arrival.error = True, why.error
    client, address = _known(why), address_of(request)
    client_id = client.client_id if client else ""
    fields: dict[str, str | int | float] = {
        "rid": arrival.id,
        "event": "refused",
        "endpoint": why.endpoint,
        "grant": why.grant_type,
        "client": client_id,
        "network": network_of(address)[:MAX_NETWORK],
        "status": why.status,
        "error": why.error,
        "step": (why.step or why.endpoint)[:MAX_STEP],
        "ms": arrival.milliseconds,
        "description": without_queries(speakable(why.description))[:MAX_DESCRIPTION],
    }
    denied = (why.endpoint, why.error) == ("consent", "access_denied")
    level = logging.INFO if denied or why.error in EXPECTED else logging.WARNING
    if in_log:
        logger.log(level, "Refused: %s (%s)", fields["description"], _said(fields), extra={"fields": fields})
    now = datetime.now(UTC)
    same = Same(
        hour=now.replace(minute=0, second=0, microsecond=0),
        client_id=client_id,
        endpoint=why.endpoint,
        grant_type=why.grant_type,
        error=why.error,
        step=str(fields["step"]),
        network=str(fields["network"]),
    )
    project_id = client.project.id if client else None
    refusals.keep(Refused(same, project_id, str(fields["description"]), now, arrival.id))


def answered(arrival: Arrival, path: str, status: int) -> None:
    """One line for a request that was not refused, where the deployment wants them (IDP_LOG_REQUESTS).

    `path`: decoded, so it may hold a line end, or a space and words like ours.
    """
    fields: dict[str, str | int | float] = {
        "rid": arrival.id,
        "event": "answered",
        "endpoint": quote(path, safe="/%", errors="replace")[:MAX_DESCRIPTION],
        "grant": arrival.grant,
        "client": arrival.client.client_id if arrival.client else "",
        "status": status,
        "ms": arrival.milliseconds,
    }
    logger.info("Answered: %s", _said(fields), extra={"fields": fields})


def _said(fields: Mapping[str, str | int | float]) -> str:
    shown = {name: value for name, value in fields.items() if name not in ("event", "description") and value != ""}
    return " ".join(f"{name}={value}" for name, value in shown.items())


def without_queries(text: str) -> str:
    """It need not be an address that holds: apps have schemes without `//`, and no space ends what was sent.

    So all is left out from the first mark on. An address is the last thing that a description says.
    """
    return _QUERY.sub("", _NAMES_IN_ADDRESS.sub("", text))


def _known(why: Why) -> ClientFacts | None:
    """Its client, if there is one. The request was refused a moment ago, so that is remembered already."""
    if why.error == TemporarilyUnavailable.code:
        return None  # the database may be away, and nobody waits for it twice
    try:
        return find_client(why.client_id)
    except (DatabaseError, InterfaceError):
        return None


# --- What was refused, and where -----------------------------------------------------------------------------------


def refused_by(
    endpoint: str, request: Request, refusal: Refusal, client_id: str = "", *, status: int = 0, grant_type: str = ""
) -> None:
    """`client_id`: as the request names it. `status`: of the answer, where that is a redirect."""
    said = refusal.client_id or client_id
    why = Why(endpoint, refusal.code, str(refusal), status or refusal.status, refusal.step, said, grant_type)
    refused(request, why)


def refused_at(endpoint: str, request: Request, refusal: Refusal) -> None:
    """A token request, introspection and the like: the client is who the credentials say they are of.

    That nobody has decided yet is no refusal: a device hears it every five seconds.
    """
    if refusal.code == AuthorizationPending.code:
        return
    params = _sent(request)
    sent_type = params.one("grant_type") if endpoint == "token" else ""
    grant_type = sent_type if sent_type in GrantType.values else ""
    client_id = client_named(params, parameters.authorization(request))
    refused_by(endpoint, request, refusal, client_id, grant_type=grant_type)


def _sent(request: Request) -> Params:
    try:
        return parameters.from_body(request) if request.method == "POST" else parameters.NOTHING
    except Refusal:
        return parameters.NOTHING
