"""The authorization request: received, validated in the order of protocol section 12, and answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from clients.identifiers import redirect_uri_matches
from clients.models import Authorization
from common import cache
from common.address import address_of
from common.arrival import of_client
from provider import (
    client_documents,
    facts,
    front_channel,
    guests,
    kept_requests,
    parameters,
    pushed_requests,
    request_objects,
)
from provider.authorization_response import deliver
from provider.keys import mint
from provider.parameters import Request
from provider.protocol import AT_AUTHORIZATION, AT_DEVICE_AUTHORIZATION, Steps, audience, authorization
from provider.protocol.channel import Channel, Delivery
from provider.protocol.errors import InvalidRequestUri, Refusal
from provider.protocol.facts import ClientFacts
from provider.protocol.request import AuthorizationRequest, Params
from provider.protocol.response_modes import CODE, brings_tokens
from provider.protocol.runner import run
from provider.store import authorizations


class NotRedirectable(Exception):
    """Unknown client or redirect URI: nobody may be sent anywhere (RFC 6749 section 4.1.2.1)."""


class ErrorResponse(Exception):
    """An error the client hears of, at its registered redirect URI (the same section)."""

    def __init__(self, channel: Channel, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.channel = channel
        self.refusal = refusal

    def delivery(self) -> Delivery:
        """How the client gets to hear of it."""
        return deliver(self.channel, error=self.refusal.code, error_description=str(self.refusal))


@contextmanager
def told_to_the_client(channel: Channel) -> Iterator[None]:
    """What is refused in here is the client's to hear; that a reference is used up is not."""
    try:
        yield
    except InvalidRequestUri:
        raise
    except Refusal as refusal:
        raise ErrorResponse(channel, refusal) from refusal


# --- Received ------------------------------------------------------------------------------------------------------


def never(_key: str) -> bool:
    """Nobody has begun with a pushed request."""
    return False


def received(request: Request, *, in_body: bool = False, has_begun: Callable[[str], bool] = never) -> Params:
    """The one way in. A request comes in the URI or in the body of a POST; everybody else reads these Params.

    What only names its parameters (a kept or pushed request) or wraps them (a request object) is unfolded here, and the
    document of a client that has one is read. Raises client_documents.Unavailable.
    `has_begun`: whether this browser came with a pushed request before it expired.
    """
    sent = parameters.with_repeats(request) if in_body else kept_requests.unfolded(parameters.from_query(request))
    client_documents.arrive(sent.one("client_id"), address_of(request))
    return request_objects.opened(pushed_requests.opened(sent, has_begun))


def resumed(query: str, has_begun: Callable[[str], bool]) -> Params:
    """The same of a request that was received before, and kept as its `Params.query`."""
    return request_objects.opened(pushed_requests.opened(parameters.decode(query), has_begun))


def in_sight(query: str, has_begun: Callable[[str], bool]) -> Params:
    """What the query of an address says, without opening a request object: for that keys may have to be fetched."""
    return pushed_requests.opened(kept_requests.unfolded(parameters.decode(query)), has_begun)


def leads_to(query: str, has_begun: Callable[[str], bool]) -> Channel:
    """Whose request this is, by the query of its address, before anything is decided about it.

    Raises NotRedirectable, and what `received` raises. Nothing is fetched, kept or used up: what stands beside a
    request object says whose it is, or nothing does.
    """
    return _channel(in_sight(query, has_begun))


# --- Validated -----------------------------------------------------------------------------------------------------


def validate(params: Params) -> AuthorizationRequest:
    """What the table decides about this request. Raises NotRedirectable (step 1), then ErrorResponse (step 2)."""
    known = cache.remembered()
    try:
        return _validated(params)
    except (NotRedirectable, ErrorResponse):
        if not cache.changed_since(known):
            raise
    return _validated(params)


def _validated(params: Params) -> AuthorizationRequest:
    channel = _channel(params)
    with told_to_the_client(channel):
        parameters.refuse_repeats(params)  # what else is wrong may come of reading one of two values
        request = _with_facts(params, channel)
        run(AT_AUTHORIZATION, request)
    return request


def validate_for_device(params: Params, client: ClientFacts) -> AuthorizationRequest:
    """The same for a device: its client is known, and nobody is sent anywhere. Raises what a step refuses."""
    parameters.refuse_repeats(params)
    request = _with_facts(params, Channel(client, device=True))
    run(AT_DEVICE_AUTHORIZATION, request)
    return request


def confirm(decided: AuthorizationRequest) -> AuthorizationRequest:
    """The same decision as things stand in this transaction; raises what `validate` raises when they do not allow it.

    Steps see nothing but parameters and facts. When these are what they were a moment ago, so is the decision.
    """
    if decided.channel.device:
        return _confirmed(decided, Channel(_client(decided.client.client_id), device=True), AT_DEVICE_AUTHORIZATION)
    channel = _channel(decided.params)
    with told_to_the_client(channel):
        return _confirmed(decided, channel, AT_AUTHORIZATION)


def _confirmed(decided: AuthorizationRequest, channel: Channel, steps: Steps) -> AuthorizationRequest:
    request = _with_facts(decided.params, channel)
    if (request.channel, request.registry) == (decided.channel, decided.registry):
        return decided
    request.choice, request.granted = decided.choice, decided.granted
    run(steps, request)
    return request


def _with_facts(params: Params, channel: Channel) -> AuthorizationRequest:
    """The request, and what its audiences may refer to; of a guest, as the project sees it whose APIs they are."""
    wanted = audience.besides_itself(params, channel.client)
    channel = replace(channel, client=guests.asking_for(channel.client, wanted))
    return AuthorizationRequest(params, channel, facts.registry(wanted, channel.client))


def _channel(params: Params) -> Channel:
    """The way back to the client; raises NotRedirectable when nothing sure is known of it."""
    for name in ("client_id", "redirect_uri"):
        if params.sent_twice(name):
            raise NotRedirectable(f"{name} was sent more than once.")
    client = _client(params.one("client_id"))
    uris = params.many("redirect_uri")
    uri = _registered(uris[0], client) if uris else _only_registered(params, client)
    return authorization.channel(params, client, uri, named=bool(uris))


def _client(client_id: str) -> ClientFacts:
    if not client_id:
        raise NotRedirectable("client_id is missing.")
    client = client_documents.find_client(client_id)
    if client is None or not client.enabled:
        raise NotRedirectable("The client is unknown or disabled.")
    of_client(client)
    return client


def _registered(redirect_uri: str, client: ClientFacts) -> str:
    """Exact match (RFC 9700 section 2.1); on loopback the port may be chosen."""
    if not any(redirect_uri_matches(one, redirect_uri, native=client.native) for one in client.redirect_uris):
        raise NotRedirectable("redirect_uri is not registered for this client.")
    return redirect_uri


def _only_registered(params: Params, client: ClientFacts) -> str:
    """RFC 6749 section 3.1.2.3; OpenID Connect Core 1.0 section 3.1.2.1 wants it named in every request."""
    if len(client.redirect_uris) != 1 or "openid" in params.one("scope").split(" "):
        raise NotRedirectable("redirect_uri is missing.")
    return client.redirect_uris[0]


# --- Answered ------------------------------------------------------------------------------------------------------


def issue(decided: AuthorizationRequest, row: Authorization) -> Delivery:
    """What the response type names, for this Authorization; and how the browser takes it to the app."""
    channel = decided.channel
    code = _code(decided, row) if CODE in channel.response_type.split() else ""
    tokens = front_channel.tokens(decided, row, code) if brings_tokens(channel.response_type) else {}
    return deliver(channel, **({"code": code} if code else {}), **tokens)


def _code(decided: AuthorizationRequest, row: Authorization) -> str:
    """A code of 256 random bits."""
    code, channel = mint.opaque(), decided.channel
    authorizations.save_code(code, row, channel.redirect_uri if channel.named else "", decided)
    return code
