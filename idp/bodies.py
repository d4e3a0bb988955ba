"""Request bodies: read whole before the application is called, up to a size."""

from __future__ import annotations

import io
from collections.abc import Container, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson

from common.json_type import Json

PROBLEM = "application/problem+json"
SCIM = "application/scim+json"
SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MAX_BODY = 1_000_000  # as DATA_UPLOAD_MAX_MEMORY_SIZE; also for forms with files: a logo has no more


class BufferedBodies:
    """Calls the application once the body has arrived, and never with a part of it.

    A body is read by the thread that will answer, and granian waits for its bytes as long as the client keeps the
    connection. `idp.watchdog` replaces a worker whose threads all wait.
    """

    def __init__(self, application: WSGIApplication, endpoints: Container[str] = ()) -> None:
        """`endpoints`: the paths where programs read JSON, whatever they send."""
        self._application = application
        self._endpoints = endpoints

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY:
            message = f"The request body is too large. At most {MAX_BODY:,} bytes are taken."
            return self._refuse("413 Content Too Large", message, environ, start_response)
        if length:
            body = bytes(environ["wsgi.input"].read(length))
            if len(body) < length:  # the client has gone, and half a form may say something else
                return self._refuse("400 Bad Request", "The request body ended early.", environ, start_response)
            environ["wsgi.input"] = io.BytesIO(body)
        return self._application(environ, start_response)

    def _refuse(
        self, status: str, message: str, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        of_protocol = environ.get("PATH_INFO") in self._endpoints or (_is_json(environ) and status.startswith("413"))
        kind, said, more = _said(status, message, environ, of_protocol)
        length = str(len(said))
        headers = [("Content-Type", kind), ("X-Content-Type-Options", "nosniff"), ("Content-Length", length), *more]
        start_response(status, headers)
        return [said]


def _said(
    status: str, message: str, environ: WSGIEnvironment, of_protocol: bool
) -> tuple[str, bytes, list[tuple[str, str]]]:
    """The media type, the body and more headers, as whoever asks there reads them."""
    kept = [("Cache-Control", "no-store")]
    if is_of_scim(environ):
        return SCIM, orjson.dumps(scim_error(status, message)), kept
    if is_of_api(environ):
        return PROBLEM, orjson.dumps(problem(status, message)), kept
    if of_protocol:
        error = {"error": "invalid_request", "error_description": message}
        return "application/json", orjson.dumps(error), [*kept, ("Access-Control-Allow-Origin", "*")]
    return "text/plain", message.encode(), []


def _is_json(environ: WSGIEnvironment) -> bool:
    """Whether a program sent it that reads nothing else, either."""
    return "json" in str(environ.get("CONTENT_TYPE", "")).partition(";")[0].lower()


def is_of_api(environ: WSGIEnvironment) -> bool:
    """Whether a program asks the HTTP API, where every refusal is a problem (RFC 9457)."""
    return "/api/v1/" in str(environ.get("PATH_INFO", ""))


def is_of_scim(environ: WSGIEnvironment) -> bool:
    return "/scim/v2/" in str(environ.get("PATH_INFO", ""))


def scim_error(status: str, detail: str) -> dict[str, Json]:
    """As `idp.scim.errors` says it."""
    return {"schemas": [SCIM_ERROR], "status": status.partition(" ")[0], "detail": detail}


def problem(status: str, detail: str) -> dict[str, Json]:
    """As `idp.api.problems` says it, before any of the API was asked."""
    number, _space, title = status.partition(" ")
    code = "too_large" if number == "413" else "malformed"
    return {"type": f"urn:vestibule:problem:{code}", "title": title, "status": int(number), "detail": detail}
