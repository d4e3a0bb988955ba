"""The shape of an authorization request: what is honoured, what is refused by name, never ignored."""

from __future__ import annotations

from urllib.parse import urlsplit

from provider.protocol import response_modes
from provider.protocol.channel import Channel
from provider.protocol.errors import (
    InvalidRequest,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from provider.protocol.facts import ClientFacts
from provider.protocol.request import AuthorizationRequest, Params
from provider.protocol.response_modes import CODE, RESPONSE_MODES, ResponseMode

RESPONSE_TYPES = (CODE,)  # for every app; `response_modes.LEGACY` is for those that cannot be changed
MAX_NONCE = 512
MAX_STATE = 4096


def channel(params: Params, client: ClientFacts, redirect_uri: str, *, named: bool = True) -> Channel:
    """The way back to this redirect URI of the client. What cannot be honoured is refused by the default way."""
    asked = response_modes.response_type(_once(params, "response_type"))
    offered = asked if asked in client.response_types else ""
    mode = _mode(_once(params, "response_mode"), offered, redirect_uri) or response_modes.default_mode(offered)
    return Channel(client, redirect_uri, named, params.one("state"), offered, mode)


def _once(params: Params, name: str) -> str:
    """Sent twice it says nothing; the request is refused for that a moment later."""
    return "" if params.sent_twice(name) else params.one(name)


def _mode(name: str, response_type: str, redirect_uri: str) -> ResponseMode | None:
    """None: it is unknown, forbidden for the response type, or leads to no site, and only sites take forms."""
    mode = response_modes.mode_of(name, response_type)
    is_site = urlsplit(redirect_uri).scheme in ("https", "http")
    return mode if mode is None or mode.way != "form_post" or is_site else None


def _modes(channel: Channel) -> list[str]:
    """The names of those that would do."""
    return [one for one in RESPONSE_MODES if _mode(one, channel.response_type, channel.redirect_uri) is not None]


def check_shape(request: AuthorizationRequest) -> None:
    """RFC 6749 section 4.1.1; OpenID Connect Core 1.0 sections 3.1.2.1 and 6."""
    params, client = request.params, request.client
    _check_way_in(params, client)
    if not params.one("response_type"):
        raise InvalidRequest("response_type is missing.")
    if not request.channel.response_type:
        offered = " or ".join(sorted(client.response_types))
        raise UnsupportedResponseType(f"Only response_type={offered} is offered.")
    if CODE in request.channel.response_type.split() and "authorization_code" not in client.grant_types:
        raise UnauthorizedClient("This client is not registered for the authorization code grant.")
    if _mode(params.one("response_mode"), request.channel.response_type, request.channel.redirect_uri) is None:
        raise InvalidRequest(f"This response_mode is not offered here. There are {', '.join(_modes(request.channel))}.")
    if len(params.one("nonce")) > MAX_NONCE:
        raise InvalidRequest(f"nonce may have at most {MAX_NONCE} characters.")
    if len(params.one("state")) > MAX_STATE:
        raise InvalidRequest(f"state may have at most {MAX_STATE} characters.")


def _check_way_in(params: Params, client: ClientFacts) -> None:
    """Signed and pushed where it has to be, and nothing that was not read (RFC 9101, RFC 9126)."""
    if params.wrapped.fault is not None:
        raise params.wrapped.fault
    if params.one("request"):
        raise RequestNotSupported("This client has registered no keys, so it cannot sign a request object.")
    if params.one("request_uri"):
        raise RequestUriNotSupported("request_uri is only for requests that were pushed to /oauth2/par.")
    if client.request_object_algorithm and not params.wrapped.signed:
        raise InvalidRequest("Requests of this client have to be signed, and sent as request (RFC 9101).")
    if client.pushes and not params.wrapped.pushed:
        raise InvalidRequest("Requests of this client have to be pushed to /oauth2/par first (RFC 9126).")
