"""What every protocol endpoint does alike: methods, CORS, JSON answers, and refusals instead of failures.

An endpoint takes a Request, which may be Django's or the plain one of the short way (`idp.fast_path`), and gives an
Answer. `as_view` makes a view of Django of it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import orjson
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from common.connection import connection
from common.database_errors import one_line
from common.jws import PROOFS
from common.slow import Busy
from provider import dpop_nonces, parameters
from provider.parameters import Request
from provider.protocol.errors import (
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidClient,
    InvalidDpopProof,
    InvalidRegistrationToken,
    InvalidRequest,
    InvalidToken,
    MethodNotAllowed,
    Refusal,
    TemporarilyUnavailable,
    TooManyGuesses,
)
from provider.trace import refused_at

logger = logging.getLogger(__name__)
JSON = {"Content-Type": "application/json"}
# No cache may keep it (RFC 6749 section 5.1).
PRIVATE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
PRIVATE_JSON: Mapping[str, str] = {**JSON, **PRIVATE}
# Public endpoints answer browsers of any origin, and never with credentials (protocol section 15).
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"WWW-Authenticate, Retry-After, {dpop_nonces.HEADER}",
}

SCHEMES = ("bearer", "dpop")  # of access tokens
REALM = 'realm="vestibule"'
ALGS = f'algs="{" ".join(PROOFS)}"'  # that a DPoP proof may be signed with


@dataclass(slots=True)
class Answer:
    """A status, headers and a body, as they go out."""

    body: bytes
    headers: Mapping[str, str]
    status: int = 200
    # All headers as they were sent with these constant ones: a document is the same object again and again.
    lines: tuple[Mapping[str, str], list[tuple[str, str]]] | None = None


Endpoint = Callable[[Request], Answer]


def json_answer(data: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """JSON that no cache may keep."""
    return Answer(orjson.dumps(data), {**PRIVATE_JSON, **headers} if headers else PRIVATE_JSON, status)


def refusal_answer(refusal: Refusal, _request: Request | None = None, *, machines: bool = False) -> Answer:
    headers = headers_of(refusal, machines=machines)
    return json_answer({"error": refusal.code, "error_description": str(refusal)}, refusal.status, headers)


def headers_of(refusal: Refusal, *, machines: bool = False) -> dict[str, str]:
    """A challenge when the Authorization header was used (RFC 6749 section 5.2), and when to come back.

    `machines`: at this endpoint no person's browser authenticates, which a challenge would make ask for a password. So
    there every 401 has one (RFC 9110 section 15.5.2).
    """
    headers = {}
    if isinstance(refusal, InvalidClient) and (refusal.challenge or (machines and refusal.status == 401)):
        headers["WWW-Authenticate"] = f'Basic {REALM}, charset="UTF-8"'
    if isinstance(refusal, InvalidRegistrationToken):
        headers["WWW-Authenticate"] = "Bearer " + ", ".join((REALM, *_error(refusal)))
    if isinstance(refusal, (TooManyGuesses, TemporarilyUnavailable)):
        headers["Retry-After"] = str(refusal.retry_after)
    if isinstance(refusal, InvalidDpopProof):
        headers[dpop_nonces.HEADER] = dpop_nonces.fresh()
        if refusal.status == 401:
            headers["WWW-Authenticate"] = _dpop_challenge(refusal)
    return headers


def protocol_endpoint(
    *methods: str, cors: bool = False, machines: bool = False, bearer: bool = False, proofs: bool = False
) -> Callable[[Endpoint], Endpoint]:
    """Wrap an endpoint: only these methods, refusals as JSON, an unreachable database as 503.

    `bearer`: an access token is what is presented, and what the challenge asks for. `proofs`: a DPoP proof may come,
    and each answer to one brings the nonce for the next (RFC 9449 section 8.2).
    """
    told = bearer_refusal if bearer else partial(refusal_answer, machines=machines)

    def decorate(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        def guarded(request: Request) -> Answer:
            answer = _answer(endpoint, request, methods, told, cors=cors)
            if cors and "Access-Control-Allow-Origin" not in answer.headers:
                answer = Answer(answer.body, {**answer.headers, **CORS}, answer.status)
            if proofs and "HTTP_DPOP" in request.META:
                answer = Answer(answer.body, {**answer.headers, **dpop_nonces.header()}, answer.status)
            return answer

        return guarded

    return decorate


def as_view(endpoint: Endpoint) -> Callable[[HttpRequest], HttpResponse]:
    """For Django's URLs."""

    @csrf_exempt  # nothing of a session is behind these requests
    @functools.wraps(endpoint)
    def view(request: HttpRequest) -> HttpResponse:
        answer = endpoint(request)
        response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
        if "Content-Type" not in answer.headers:
            del response["Content-Type"]
        say_no_more(response)
        return response

    return view


def say_no_more(response: HttpResponse) -> None:
    """What was refused stands in the log already: Django need not add that a request with this path was."""
    response._has_been_logged = True  # type: ignore[attr-defined]


def _answer(
    endpoint: Endpoint,
    request: Request,
    methods: tuple[str, ...],
    told: Callable[[Refusal, Request], Answer],
    *,
    cors: bool,
) -> Answer:
    if request.method == "OPTIONS" and cors:
        return _preflight(methods)
    if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
        refusal: Refusal = MethodNotAllowed(f"Use {' or '.join(methods)}.")
        refused_at(endpoint.__name__, request, refusal)
        answer = refusal_answer(refusal)
        return Answer(answer.body, {**answer.headers, "Allow": ", ".join(methods)}, answer.status)
    try:
        return endpoint(request)
    except Refusal as error:
        refusal, answer = error, told(error, request)
    except Busy:
        refusal = TemporarilyUnavailable("The provider is busy. Try again.")
        answer = refusal_answer(refusal)
    except (OperationalError, InterfaceError, InternalError) as error:
        close_after(error)
        refusal = TemporarilyUnavailable("The provider cannot reach its database. Try again.")
        answer = refusal_answer(refusal)
    refused_at(endpoint.__name__, request, refusal)
    return answer


def _preflight(methods: tuple[str, ...]) -> Answer:
    headers = {
        "Access-Control-Allow-Methods": ", ".join(methods),
        # Whatever programs add (tracing, protocol versions). The wildcard does not stand for Authorization.
        "Access-Control-Allow-Headers": "Authorization, *",
        "Access-Control-Max-Age": "600",
    }
    return Answer(b"", headers, 204)


def close_after(error: DatabaseError | InterfaceError) -> None:
    """The database does not answer: the next request looks for it anew, as after a failover this one may only read."""
    logger.error("The database does not answer: %s", one_line(error))
    if not connection().in_atomic_block:
        connection().close()


def sent_token(request: Request, in_body: str, *, or_query: bool = False) -> tuple[str, str]:
    """The access token of the header, or of the body (RFC 6750 section 2.1 and 2.2), with its scheme. Not of the query.

    The scheme in small letters; empty: it came in the body. `or_query`: `in_body` may be of the query.
    """
    header = parameters.authorization(request)
    if header == "" and in_body:
        raise InvalidToken("The Authorization header is empty, or not ASCII.")
    # An empty one as well.
    if not or_query and any(name == "access_token" for name, _value in parameters.from_query(request)):
        raise InvalidRequest("An access token in the URI ends up in logs. Send it in the Authorization header.")
    scheme, _space, value = (header or "").partition(" ")
    in_header = value.strip() if scheme.lower() in SCHEMES else ""
    if in_header and in_body:
        raise InvalidRequest("Send the access token once.")
    token = in_header or in_body
    if not token:
        raise InvalidToken("")
    return token, scheme.lower() if in_header else ""


def bearer_refusal(refusal: Refusal, request: Request) -> Answer:
    """RFC 6750 section 3: the challenge says what was wrong; nothing when no token was sent.

    It is of the scheme that was used. Who used none hears of both (RFC 9449 section 7.1).
    """
    headers = bearer_headers(refusal, request)
    answer = {"error": refusal.code, "error_description": str(refusal) or "Send an access token."}
    return json_answer(answer, refusal.status, headers)


def bearer_headers(refusal: Refusal, request: Request, *also: str) -> dict[str, str]:
    """`also`: parameters of the challenge that only this resource has."""
    if isinstance(refusal, InvalidDpopProof) or _scheme(request) == "dpop":
        challenge = _dpop_challenge(refusal, *also)
    else:
        challenge = "Bearer " + ", ".join((REALM, *_error(refusal), *also))
        if refusal.status == 401:
            challenge += f", DPoP {ALGS}"
    return {**headers_of(refusal), "WWW-Authenticate": challenge}


def _scheme(request: Request) -> str:
    return (parameters.authorization(request) or "").partition(" ")[0].lower()


def _dpop_challenge(refusal: Refusal, *also: str) -> str:
    return "DPoP " + ", ".join((*_error(refusal), *also, ALGS))


def _error(refusal: Refusal) -> tuple[str, ...]:
    if not str(refusal):
        return ()
    return (f'error="{refusal.code}"', f'error_description="{refusal}"', *_wanted(refusal))


def _wanted(refusal: Refusal) -> tuple[str, ...]:
    """What would do instead (RFC 6750 section 3, RFC 9470 section 3)."""
    if isinstance(refusal, InsufficientUserAuthentication):
        return tuple(f'{name}="{value}"' for name, value in refusal.wanted.items())
    return (f'scope="{refusal.scope}"',) if isinstance(refusal, InsufficientScope) and refusal.scope else ()
