"""What every protocol endpoint does alike: methods, CORS, JSON answers, and refusals instead of failures."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from oauthlib.oauth2 import OAuth2Error

from clients.oauth import parameters
from clients.oauth.server import headers_of
from clients.protocol.errors import InvalidRequest, InvalidToken, Refusal, TemporarilyUnavailable

logger = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]
# Public endpoints answer browsers of any origin, and never with credentials (protocol section 15).
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "WWW-Authenticate, Retry-After"}


def json_answer(data: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """JSON that no cache may keep (RFC 6749 section 5.1)."""
    response = HttpResponse(orjson.dumps(data), content_type="application/json", status=status, headers=headers)
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response


def refusal_answer(refusal: Refusal) -> HttpResponse:
    return json_answer({"error": refusal.code, "error_description": str(refusal)}, refusal.status, headers_of(refusal))


def protocol_endpoint(*methods: str, cors: bool = False) -> Callable[[View], View]:
    """Wrap a view: only these methods, refusals as JSON, an unreachable database as 503. Nothing of the session."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        def endpoint(request: HttpRequest) -> HttpResponse:
            response = _answer(view, request, methods, cors=cors)
            if cors:
                for name, value in CORS.items():
                    response[name] = value
            return response

        return endpoint

    return decorate


def _answer(view: View, request: HttpRequest, methods: tuple[str, ...], *, cors: bool) -> HttpResponse:
    if request.method == "OPTIONS" and cors:
        allow = ", ".join(methods)
        headers = "Authorization, Content-Type, DPoP"
        return HttpResponse(
            status=204,
            headers={
                "Access-Control-Allow-Methods": allow,
                "Access-Control-Allow-Headers": headers,
                "Access-Control-Max-Age": "600",
            },
        )
    if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
        answer = {"error": "invalid_request", "error_description": f"Use {' or '.join(methods)}."}
        return json_answer(answer, 405, {"Allow": ", ".join(methods)})
    try:
        return view(request)
    except Refusal as refusal:
        return refusal_answer(refusal)
    except OAuth2Error as error:
        return json_answer(dict(error.twotuples), error.status_code, error.headers)
    except (OperationalError, InterfaceError):
        return unavailable()


def unavailable() -> HttpResponse:
    """The database does not answer: say so, and when to come back."""
    logger.exception("The database does not answer")
    return refusal_answer(TemporarilyUnavailable("The provider cannot reach its database. Try again."))


def bearer_token(request: HttpRequest, in_body: str) -> str:
    """The token of the header, or of the body (RFC 6750 section 2.1 and 2.2). Never of the query."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if parameters.from_query(request).has("access_token"):
        raise InvalidRequest("An access token in the URI ends up in logs. Send it in the Authorization header.")
    scheme, _space, value = header.partition(" ")
    in_header = value.strip() if scheme.lower() == "bearer" else ""
    if in_header and in_body:
        raise InvalidRequest("Send the access token once.")
    token = in_header or in_body
    if not token:
        raise InvalidToken("")
    return token


def bearer_refusal(refusal: Refusal) -> HttpResponse:
    """RFC 6750 section 3: the challenge says what was wrong; nothing when no token was sent."""
    challenge = 'Bearer realm="vestibule"'
    if str(refusal):
        challenge += f', error="{refusal.code}", error_description="{refusal}"'
    answer = {"error": refusal.code, "error_description": str(refusal) or "Send an access token."}
    return json_answer(answer, refusal.status, {"WWW-Authenticate": challenge})
