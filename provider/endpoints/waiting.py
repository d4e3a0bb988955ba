"""The authorization request that waits behind the `next` of a sign-in page: whose app it is of, and what it wants."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from projects.upstream.oidc import Wish
from projects.upstream.wanted import NOTHING, Wanted
from provider import facts, request_objects
from provider.authorization_request import in_sight
from provider.endpoints import begun
from provider.protocol import prompts
from provider.protocol.errors import Refusal

MAX_HINT = 254  # characters, as long as an address may be


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Sign-in pages ask it; every other page pays nothing."""

    def handle(request: HttpRequest) -> HttpResponse:
        request.read_next = read  # type: ignore[attr-defined]
        return get_response(request)

    return handle


def read(request: HttpRequest, address: str, *, going: bool) -> Wanted:
    """What cannot be read wants nothing: the authorization endpoint will say what is wrong with it.

    `going`: somebody goes to a connector, which hears what a request object asks for. No page needs to know.
    """
    url = urlsplit(address)
    if not url.path.rstrip("/").endswith("/authorize"):
        return NOTHING
    try:
        params = in_sight(url.query, partial(begun.has_begun, request))
        params = request_objects.opened(params) if going else params
        client = facts.find_client(params.one("client_id"))
        if client is None:
            return NOTHING
        requested = prompts.asked_by(params, client)
    except Refusal:
        return NOTHING
    hint = params.one("login_hint")
    wish = Wish(
        fresh="login" in requested.prompts or requested.max_age == 0,
        max_age=requested.max_age,
        login_hint=hint if len(hint) <= MAX_HINT and hint.isprintable() else "",
    )
    return Wanted(None if client.guest else client.project.id, wish)
