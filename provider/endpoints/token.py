"""The token endpoint (RFC 6749 section 3.2)."""

from __future__ import annotations

from provider.backend import core
from provider.endpoints.http import JSON, PRIVATE, Answer, protocol_endpoint
from provider.parameters import Request


@protocol_endpoint("POST", cors=True)
def token(request: Request) -> Answer:
    _uri, headers, body, status = core().create_token_response(request)
    return Answer(body.encode(), {**headers, **JSON, **PRIVATE}, status)
