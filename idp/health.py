"""For load balancers: alive (the process answers) and ready (it can issue tokens)."""

from __future__ import annotations

from django.db import DatabaseError

from clients.endpoints.http import Answer, json_answer, protocol_endpoint
from clients.models import SigningKey
from clients.models.client import SigningAlgorithm
from clients.models.keys import KeyState
from clients.oauth.parameters import Request


@protocol_endpoint("GET")
def live(request: Request) -> Answer:
    return json_answer({"status": "live"})


@protocol_endpoint("GET")
def ready(request: Request) -> Answer:
    """The database answers and every algorithm has a key that signs."""
    try:
        active = set(SigningKey.objects.filter(state=KeyState.ACTIVE).values_list("algorithm", flat=True))
    except DatabaseError:
        return json_answer({"status": "unavailable", "reason": "The database does not answer."}, 503)
    if active != set(SigningAlgorithm.values):
        return json_answer({"status": "unavailable", "reason": "A signing key is missing: run quickstart."}, 503)
    return json_answer({"status": "ready"})
