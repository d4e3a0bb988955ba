"""Pushed authorization requests (RFC 9126): an app sends its request here, and the browser only a reference to it."""

from __future__ import annotations

from common import counters
from common.address import address_of
from common.certificates import of_connection
from common.counters import Limit
from common.networks import allowed_at, network_of
from provider import client_documents, parameters, possession, pushed_requests, request_objects
from provider.authorization_request import ErrorResponse, NotRedirectable, validate
from provider.client_authentication import METHODS, authenticate, client_named
from provider.endpoints.http import Answer, json_answer, protocol_endpoint
from provider.endpoints.interaction import read_hint
from provider.fetched_documents import Unavailable
from provider.parameters import Request
from provider.protocol import prompts
from provider.protocol.errors import InvalidClient, InvalidRequest, TooManyWait
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params, Wrapped
from provider.protocol.runner import At

# Anybody may speak as a public client, and one network must not take all its places.
PER_NETWORK = Limit("pushed-requests", 200, pushed_requests.EXPIRES_IN)


@protocol_endpoint("POST", cors=True, proofs=True)
def par(request: Request) -> Answer:
    sent, address = parameters.from_body(request), address_of(request)
    client = _client(request, sent, address)
    with At("pushed_request"):
        proof = possession.proved(possession.evidence(request, "par"))
        params = possession.pushed(_asked(sent, client), proof)
        _refuse_what_would_be_refused(params, client)
        _refuse_too_many(client, address)
        if proof is not None:
            possession.use_up(proof)
        reference = pushed_requests.keep(params, client)
    return json_answer({"request_uri": reference, "expires_in": pushed_requests.EXPIRES_IN}, 201)


def _client(request: Request, sent: Params, address: str) -> ClientFacts:
    """Whoever pushes. One that has a document is who that says, before it proves anything."""
    header = parameters.authorization(request)
    try:
        client_documents.arrive(client_named(sent, header), address)
    except Unavailable as error:
        raise (TooManyWait(str(error)) if error.later else InvalidClient(str(error))) from error
    return authenticate(sent, header, address, of_connection(request.META), find=client_documents.find_client)


def _asked(sent: Params, client: ClientFacts) -> Params:
    """The authorization request in it: without what only proved who sent it, and in the name of whoever did."""
    if sent.has("request_uri"):
        raise InvalidRequest("request_uri stands for a request that was pushed already: send the parameters.")
    if sent.one("client_id") not in ("", client.client_id):
        raise InvalidRequest("client_id is not the client that authenticated.")
    credentials = {"client_id", *(name for method in METHODS.values() for name in method.parameters)}
    pairs = [("client_id", client.client_id), *((name, value) for name, value in sent if name not in credentials)]
    params = request_objects.opened(Params(pairs, Wrapped(pushed="now")))
    if params.wrapped.fault is not None:
        raise params.wrapped.fault
    return params


def _refuse_what_would_be_refused(params: Params, client: ClientFacts) -> None:
    """All that the authorization endpoint would refuse whoever the person is (rule P2), but told to the app alone."""
    try:
        validate(params)
    except NotRedirectable as error:
        raise InvalidRequest(str(error)) from error
    except ErrorResponse as error:
        raise error.refusal from error
    prompts.read(params)
    read_hint(params, client)


def _refuse_too_many(client: ClientFacts, address: str) -> None:
    """Of one network, in the name of a client that proves nothing."""
    if not client.public:
        return
    if counters.count(PER_NETWORK, client.client_id, network_of(address)) > allowed_at(PER_NETWORK.amount, address):
        raise TooManyWait("Too many requests of this network were pushed. Try again later.")
