"""Claims of a project's table that are left out because they are too large: one event a day for each person and claim.

The token is made without them. Whoever runs the project reads in the log why an app does not hear of somebody.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import DatabaseError, transaction

from clients.models import SecurityEvent
from common import counters
from common.counters import Limit
from common.database_errors import one_line
from projects.claim_table import MAX_BYTES, MAX_VALUES
from provider.protocol.facts import ClientFacts, PersonFacts

logger = logging.getLogger(__name__)
KIND = "claim.too_large"
ONCE = Limit("claim-too-large", 1, 24 * 3600)


def note(client: ClientFacts, person: PersonFacts | None, claims: Sequence[str]) -> None:
    """Never fails: it only says what happened."""
    for claim in claims:
        if person is not None and _first(client, person, claim):
            logger.warning("A claim of client %s was left out for somebody: it is too large.", client.client_id)
            _keep(client, person, claim)


def _first(client: ClientFacts, person: PersonFacts, claim: str) -> bool:
    return counters.count(ONCE, str(client.project.id), str(person.id), claim) == 1


def _keep(client: ClientFacts, person: PersonFacts, claim: str) -> None:
    detail = {"claim": claim, "most_values": MAX_VALUES, "most_bytes": MAX_BYTES}
    try:
        with transaction.atomic():
            SecurityEvent.objects.create(kind=KIND, client_id=client.client_id, sub=person.sub, detail=detail)
    except DatabaseError as error:
        logger.error("An event could not be kept: %s", one_line(error))
