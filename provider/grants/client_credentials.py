"""The client itself (RFC 6749 section 4.4): it presents nothing but what authenticates it."""

from __future__ import annotations

from common import clock
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params, Subject
from provider.store.presented import NOTHING, Presented


def opened(params: Params, client: ClientFacts) -> Presented:
    return Presented(Subject.CLIENT, NOTHING, issued_at=clock.now())
