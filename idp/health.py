"""For load balancers: alive (the process answers) and ready (it can issue tokens)."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from clients.endpoints.http import json_answer, protocol_endpoint
from clients.models import SigningKey
from clients.models.client import SigningAlgorithm
from clients.models.keys import KeyState


@protocol_endpoint("GET")
def live(request: HttpRequest) -> HttpResponse:
    return json_answer({"status": "live"})


@protocol_endpoint("GET")
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers and every algorithm has a key that signs."""
    try:
        active = set(SigningKey.objects.filter(state=KeyState.ACTIVE).values_list("algorithm", flat=True))
    except DatabaseError:
        return json_answer({"status": "unavailable", "reason": "The database does not answer."}, 503)
    if active != set(SigningAlgorithm.values):
        return json_answer({"status": "unavailable", "reason": "A signing key is missing: run quickstart."}, 503)
    return json_answer({"status": "ready"})
