"""What went wrong, as Problem Details (RFC 9457): every answer of the API that is no success."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from allauth.account import app_settings
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions

from clients.secrets import TooManySecrets
from common.json_type import Json
from common.slow import Busy
from idp import own_resource
from idp.api.access import too_old
from projects.actors import ProofTooOld
from projects.paths import steps
from projects.problems import Problem, RegistrationError
from provider import trace
from provider.endpoints.http import bearer_headers, close_after
from provider.protocol.errors import Refusal, TemporarilyUnavailable

logger = logging.getLogger("django.request")
MEDIA_TYPE = "application/problem+json"
TYPE = "urn:vestibule:problem:"  # and a code
MOST = 100  # problems that are told at once


@dataclass
class Refused(Exception):
    """The request is not done, and this is why."""

    status: int
    code: str
    detail: str
    errors: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


# Each code with the status it comes with and what it means: the table of docs/api.md, and of the OpenAPI document.
CODES: dict[str, tuple[int, str]] = {
    "malformed": (400, "The body is not JSON as RFC 8259 has it, or a parameter cannot be read."),
    "unauthorized": (401, "There is no access token, or not one that works."),
    "forbidden": (403, "The token works, and does not allow this."),
    "not_found": (404, "There is nothing here, or nothing that you may know of."),
    "method_not_allowed": (405, "The resource has no such method; Allow names those it has."),
    "not_acceptable": (406, "Answers are application/json."),
    "conflict": (409, "Something stands in the way: errors name it."),
    "precondition_failed": (412, "It is not what If-Match or If-None-Match says any more."),
    "too_large": (413, "The body is too large."),
    "unsupported_media_type": (415, "Bodies are application/json."),
    "invalid": (422, "What was sent cannot be registered: errors say what, and where."),
    "too_many_requests": (429, "Too much at once; Retry-After says when to come back."),
    "server_error": (500, "It is our fault. Try again in a moment."),
    "unavailable": (503, "The provider cannot answer now; Retry-After says when to come back."),
}


def refused(code: str, detail: str = "", errors: Iterable[Problem] = (), **headers: str) -> Refused:
    status, words = CODES[code]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused(status, code, detail or words, tuple(errors), named)


def not_found() -> Refused:
    """One answer for what does not exist and for what is somebody else's."""
    return refused("not_found")


def answer(error: Refused) -> HttpResponse:
    body: dict[str, Json] = {
        "type": TYPE + error.code,
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
    }
    if error.errors:
        body["errors"] = [_told(one) for one in error.errors[:MOST]]
    response = HttpResponse(orjson.dumps(body), status=error.status, content_type=MEDIA_TYPE)
    for name, value in {"Cache-Control": "no-store", **error.headers}.items():
        response[name] = value
    response._has_been_logged = True  # type: ignore[attr-defined]  # what was refused says so itself
    return response


def _told(problem: Problem) -> Json:
    return {"pointer": pointer(problem.field), "detail": problem.message, "code": problem.code or "invalid"}


def pointer(path: str) -> str:
    """The place of a problem as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps(path))


# --- From exceptions -----------------------------------------------------------------------------------------------


def of_exception(error: Exception, request: HttpRequest) -> Refused:
    """Every exception is an answer: what nobody expected is one of 500, and stands in the log."""
    if isinstance(error, Refused):
        return error
    for kind, made in MADE:
        if isinstance(error, kind):
            return made(error, request)
    logger.error("Internal Server Error: %s", request.path, exc_info=error)
    return refused("server_error")


def _of_registration(error: Exception, request: HttpRequest) -> Refused:
    assert isinstance(error, RegistrationError)  # noqa: S101 - for the type
    return refused("invalid", errors=error.problems)


def _of_refusal(error: Exception, request: HttpRequest) -> Refused:
    """Of an access token (RFC 6750 section 3)."""
    assert isinstance(error, Refusal)  # noqa: S101 - for the type
    trace.refused_by("api", request, error)
    if isinstance(error, TemporarilyUnavailable):
        return refused("unavailable", str(error), Retry_After=str(error.retry_after))
    code = "unauthorized" if error.status == HTTPStatus.UNAUTHORIZED else "forbidden"
    if error.status == HTTPStatus.BAD_REQUEST:
        return refused("malformed", str(error))
    detail = str(error) or "Send an access token for this API in the Authorization header."
    where = f'resource_metadata="{own_resource.address()}"'  # RFC 9728 section 5.1
    return Refused(error.status, code, detail, headers=bearer_headers(error, request, where))


def _of_old_proof(_error: Exception, request: HttpRequest) -> Refused:
    return _of_refusal(too_old(app_settings.REAUTHENTICATION_TIMEOUT), request)


def _of_framework(error: Exception, request: HttpRequest) -> Refused:
    codes = {status: code for code, (status, _words) in CODES.items()}
    status = getattr(error, "status_code", 500)
    return refused(codes.get(status, "malformed"))


def _away(error: Exception, request: HttpRequest) -> Refused:
    assert isinstance(error, (OperationalError, InterfaceError, InternalError))  # noqa: S101 - for the type
    close_after(error)
    return refused("unavailable", Retry_After="5")


def _in_the_way(error: Exception, request: HttpRequest) -> Refused:
    assert isinstance(error, ProtectedError)  # noqa: S101 - for the type
    named = sorted(str(row) for row in error.protected_objects)[:10]
    return refused("conflict", errors=[Problem("", f"It is still used by {name}.", "obstacle") for name in named])


MADE: tuple[tuple[type[Exception], Callable[[Exception, HttpRequest], Refused]], ...] = (
    (RegistrationError, _of_registration),
    (Refusal, _of_refusal),
    (ProofTooOld, _of_old_proof),
    (Http404, lambda *_: not_found()),
    (RequestDataTooBig, lambda *_: refused("too_large")),
    (TooManySecrets, lambda error, _: refused("conflict", str(error))),
    (ProtectedError, _in_the_way),
    (IntegrityError, lambda *_: refused("conflict", "Somebody else changed it in this very moment. Ask again.")),
    (OperationalError, _away),
    (InterfaceError, _away),
    (InternalError, _away),
    (Busy, lambda *_: refused("unavailable", Retry_After="5")),
    (exceptions.APIException, _of_framework),
)
