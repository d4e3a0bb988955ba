"""The WSGI entry point. idp/server.py serves it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from idp.neighbours import Process

Process.serves = True  # somebody waits for every answer
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
_django = get_wsgi_application()

from common.arrival import HEADER, Arrival, current, note  # noqa: E402 - Django has to be set up
from common.json_type import Json  # noqa: E402
from common.meter import Watching  # noqa: E402
from idp.bodies import PROBLEM, is_of_api, problem  # noqa: E402
from idp.fast_path import BASE, BY_PATH, EndpointRequest, FastPath  # noqa: E402
from idp.named_paths import endpoint_of  # noqa: E402
from provider import trace  # noqa: E402
from provider.endpoints.http import json_answer  # noqa: E402
from provider.trace import Why  # noqa: E402

WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
# Of the protocol: other paths may hold the key of a mail.
PROTOCOL = (f"{BASE}/oauth2/", f"{BASE}/openid/", "/.well-known/", f"{BASE}/.well-known/")
CHUNKED = (
    "Send the body with a Content-Length: one in chunks (Transfer-Encoding) is not read. "
    "A proxy that passes chunks through has to buffer requests."
)
_LENGTH = re.compile(r"[0-9]{1,15}")
_BOUNDARY = re.compile(r";\s*boundary=(\"?)([A-Za-z0-9'()+_,./:=?-]{1,70})\1\s*(;|$)", re.IGNORECASE)  # RFC 2046 5.1.1


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Every answer bears the id of its request, which the log and the pages name, too."""
    came = note(environ)
    current.set(came)
    named = (HEADER, came.id)

    def start(status: str, headers: list[tuple[str, str]], *error: object) -> Callable[[bytes], object]:
        headers.append(named)
        return start_response(status, headers, *error)  # type: ignore[arg-type]

    if settings.IDP_LOG_REQUESTS or Watching.meters:
        return _observed(environ, start, came)
    return _answer(environ, start)


def _observed(environ: WSGIEnvironment, start_response: StartResponse, came: Arrival) -> Iterable[bytes]:
    """A line for a request that succeeds, too; and a word to whoever watches."""
    statuses: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], *error: object) -> Callable[[bytes], object]:
        statuses.append(status)
        return start_response(status, headers, *error)  # type: ignore[arg-type]

    for meter in Watching.meters:
        meter.came(came)
    body = _answer(environ, start)
    status = int(statuses[0][:3])
    if settings.IDP_LOG_REQUESTS and not came.told and environ["PATH_INFO"].startswith(PROTOCOL):
        trace.answered(came, environ["PATH_INFO"], status)
    for meter in Watching.meters:
        meter.answered(endpoint_of(environ["PATH_INFO"]), came, status, environ)
    return body


def _answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The fast path for protocol endpoints, Django for everything else."""
    if environ.get("HTTP_TRANSFER_ENCODING") and environ["REQUEST_METHOD"] not in WITHOUT_BODY:
        return _length_required(environ, start_response)
    handler = _fast_path if environ.get("PATH_INFO") in BY_PATH else _site
    return handler(environ, start_response)


def _length_required(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """No server tells us whether a body in chunks arrived whole, and half a form may say something else."""
    why = Why("server", "invalid_request", CHUNKED, HTTPStatus.LENGTH_REQUIRED, "length")
    trace.refused(EndpointRequest(environ), why)
    error: dict[str, Json] = {"error": "invalid_request", "error_description": CHUNKED}
    answer = json_answer(error, HTTPStatus.LENGTH_REQUIRED)
    if is_of_api(environ):
        answer = json_answer(problem("411 Length Required", CHUNKED), 411, {"Content-Type": PROBLEM})
    headers = {**answer.headers, "X-Content-Type-Options": "nosniff", "Content-Length": str(len(answer.body))}
    start_response("411 Length Required", list(headers.items()))
    return [answer.body]


def _site(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Django, with the scheme from our configuration: TLS may end at a proxy, and no header of a proxy is believed.

    With the wrong scheme Django would send no HSTS and refuse its own forms.
    """
    environ["wsgi.url_scheme"] = urlsplit(settings.IDP_ISSUER).scheme
    environ["CONTENT_TYPE"] = _content_type(environ.get("CONTENT_TYPE", ""))
    if not _LENGTH.fullmatch(environ.get("CONTENT_LENGTH", "")):
        environ["CONTENT_LENGTH"] = ""  # no number: no body
    return _django(environ, start_response)


_fast_path = FastPath(_site)


def _content_type(sent: str) -> str:
    """The media type, and of its parameters only the boundary.

    A charset could select any codec that Python has, and several make Django fail before it can answer.
    """
    boundary = _BOUNDARY.search(sent)
    media_type = sent.partition(";")[0]
    return f'{media_type}; boundary="{boundary[2]}"' if boundary else media_type
