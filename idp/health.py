"""For load balancers: alive (the process answers) and ready (it can issue tokens)."""

from __future__ import annotations

from django.db import DatabaseError, connection

from clients.models import SigningKey
from clients.models.keys import KeyState
from common.database_errors import lacks_tables
from common.jws import ALGORITHMS
from common.sealing import Unreadable
from common.unreleased import REASON, is_unreleased
from provider.endpoints.http import Answer, json_answer, protocol_endpoint
from provider.keys import keyring
from provider.parameters import Request


@protocol_endpoint("GET")
def live(request: Request) -> Answer:
    return json_answer({"status": "live"})


@protocol_endpoint("GET")
def ready(request: Request) -> Answer:
    """The database answers, and every algorithm has a key that signs, which this process can open."""
    try:
        if is_unreleased(connection):
            return _not_ready(f"{REASON}: manage.py migrate says what to do.")
        active = list(SigningKey.objects.filter(state=KeyState.ACTIVE))
    except DatabaseError as error:
        if lacks_tables(error):
            return _not_ready("The database lacks tables of this version: run manage.py migrate.")
        return _not_ready("The database does not answer.")
    if {key.algorithm for key in active} != set(ALGORITHMS):
        return _not_ready("A signing key is missing: run quickstart.")
    try:
        for key in active:
            keyring.require_opened(key)
    except Unreadable as error:
        return _not_ready(str(error))
    return json_answer({"status": "ready"})


def _not_ready(reason: str) -> Answer:
    return json_answer({"status": "unavailable", "reason": reason}, 503)
