"""Request objects by value (RFC 9101): for clients that registered keys, unfolded before anybody reads parameters."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from common import cache, clock
from common.jws import ALGORITHMS
from provider import client_keys
from provider.client_documents import find_client
from provider.protocol import profile, request_object
from provider.protocol.errors import InvalidRequestObject, Refusal
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params, Wrapped
from provider.protocol.request_object import Expected

TYPES = frozenset({*request_object.TYPES, client_keys.UNTYPED})


def opened(params: Params) -> Params:
    """What the object says, if there is one and this client has keys.

    What is wrong with it is for the steps to refuse: what stands beside it says where the client hears of it. So is one
    of a client without keys: nobody could have signed it.
    """
    if not params.has("request"):
        return params
    known = cache.remembered()
    found = _opened(params)
    if not found.wrapped.signed and cache.changed_since(known):  # its key is good from the moment in which it was made
        return _opened(params)
    return found


def _opened(params: Params) -> Params:
    client = find_client(params.one("client_id"))
    if client is None or not client_keys.has_keys(client):
        return params
    try:
        pairs = _read(params, client)
    except Refusal as refusal:
        return Params(params.pairs, replace(params.wrapped, fault=refusal))
    # The object alone asks for the same once more: what stood beside it counts for nothing.
    here = (("client_id", client.client_id), ("request", params.one("request")))
    return Params(pairs, Wrapped(here, params.wrapped.pushed, signed=True))


def _read(params: Params, client: ClientFacts) -> tuple[tuple[str, str], ...]:
    if params.sent_twice("request") or params.has("request_uri"):
        raise InvalidRequestObject("Send one request object, and no request_uri.")
    chosen = client.request_object_algorithm
    algorithms = profile.may_sign_with(client, (chosen,) if chosen else ALGORITHMS)
    claims = client_keys.verified(params.one("request"), client, types=TYPES, algorithms=algorithms)
    if claims is None:
        raise InvalidRequestObject(
            "The request object is not signed by a key of this client, by an algorithm it may use, or has another typ."
        )
    dated = profile.demanded(client)  # FAPI 2.0 Message Signing section 5.3.1
    expected = Expected(client.client_id, settings.IDP_ISSUER, clock.seconds(), dated)
    return request_object.parameters(claims, params, expected)
