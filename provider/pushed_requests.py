"""Requests that apps push before a browser comes with them (RFC 9126): kept, found again, and used once.

A reference may begin for a minute and a half. The browser that began with it has as long as somebody takes to sign in,
and may load it again until a code is issued: that uses it up, and nothing before does (rules P5 and P6).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from clients.models import PushedRequest
from common import clock, sealing
from provider import parameters
from provider.keys.mint import digest, opaque
from provider.protocol.errors import InvalidRequestUri, TemporarilyUnavailable
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params, Wrapped

PREFIX = "urn:ietf:params:oauth:request_uri:"
EXPIRES_IN = 90  # seconds
BEGUN_FOR = timedelta(minutes=15)  # as long as somebody may take to sign in
MAX_PER_CLIENT = 5_000  # requests of some kilobytes each that wait at once
PURPOSE = "pushed request"
UNUSABLE = "The request_uri is unknown, expired, used already or another client's."


def keep(params: Params, client: ClientFacts) -> str:
    """Keep this request of this client, and answer the `request_uri` that stands for it.

    What is kept is written out again, which may be longer than it came: nothing is kept that cannot be read then.
    """
    now, reference, text = clock.now(), PREFIX + opaque(), urlencode(params.pairs)
    parameters.decode(text)
    own = PushedRequest.objects.filter(client_id=client.client_id)
    if own.filter(expires_at__gt=now)[MAX_PER_CLIENT - 1 : MAX_PER_CLIENT].exists():
        raise TemporarilyUnavailable("Too many pushed requests of this client wait. Try again.")
    own.filter(kept_until__lte=now).delete()
    begin = now + timedelta(seconds=EXPIRES_IN)
    PushedRequest.objects.create(
        digest=digest(reference),
        client_id=client.client_id,
        sealed=sealing.seal(PURPOSE, text),
        signed=params.wrapped.signed,
        expires_at=begin,
        kept_until=begin + BEGUN_FOR,
    )
    return reference


def opened(params: Params, has_begun: Callable[[str], bool]) -> Params:
    """What was pushed, where a reference stands for it; nothing beside it is read, but whose it is (rules F4 and P7).

    `has_begun`: whether this browser came with it in time. Raises InvalidRequestUri.
    """
    reference = params.one("request_uri")
    if not reference.startswith(PREFIX):
        return params
    if params.sent_twice("request_uri") or params.sent_twice("client_id"):
        raise InvalidRequestUri(UNUSABLE)
    key, client_id, now = digest(reference), params.one("client_id"), clock.now()
    row = PushedRequest.objects.filter(digest=key, client_id=client_id, kept_until__gt=now).first()
    try:
        if row is None or not (row.expires_at > now or has_begun(key)):
            raise InvalidRequestUri(UNUSABLE)
        pairs = parameters.decode(sealing.unseal(PURPOSE, row.sealed)).pairs
    except sealing.Unreadable:
        raise InvalidRequestUri(UNUSABLE) from None
    here = (("client_id", client_id), ("request_uri", reference))
    return Params(pairs, Wrapped(here, key, row.signed))


def use_up(params: Params) -> None:
    """In the transaction that issues a code: of several at once only one gets it. Raises InvalidRequestUri."""
    pushed = params.wrapped.pushed
    if pushed and not PushedRequest.objects.filter(digest=pushed).delete()[0]:
        raise InvalidRequestUri(UNUSABLE)
