"""Token introspection (RFC 7662)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from clients.endpoints.http import json_answer, protocol_endpoint
from clients.oauth import facts, find, parameters
from clients.oauth.authentication import authenticate
from clients.protocol import introspection
from clients.protocol.errors import InvalidRequest
from clients.protocol.facts import Registry, TokenFacts
from idp.accounts.address import address_of


@protocol_endpoint("POST")
def introspect(request: HttpRequest) -> HttpResponse:
    params = parameters.from_body(request)
    caller = authenticate(params, request.META.get("HTTP_AUTHORIZATION", ""), address_of(request))
    introspection.check_caller(caller)
    text = params.one("token")
    if not text:
        raise InvalidRequest("token is missing.")
    found = _find(text, params.one("token_type_hint"))
    registry = Registry(apis=facts.apis_near(found.audience)) if found else Registry()
    return json_answer(introspection.answer(caller, found, registry, settings.IDP_ISSUER))


def _find(text: str, hint: str) -> TokenFacts | None:
    """The hint only says where to look first (RFC 7662 section 2.1)."""
    finders = [find.access_token, find.refresh_token]
    if hint == "refresh_token":
        finders.reverse()
    return next((found for finder in finders if (found := finder(text)) is not None), None)
