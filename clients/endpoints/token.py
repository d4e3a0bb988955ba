"""The token endpoint (RFC 6749 section 3.2)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from clients.endpoints.http import protocol_endpoint
from clients.oauth.backend import core


@protocol_endpoint("POST", cors=True)
def token(request: HttpRequest) -> HttpResponse:
    _uri, headers, body, status = core().create_token_response(request)
    response = HttpResponse(body, status=status, headers={**headers, "Content-Type": "application/json"})
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response
