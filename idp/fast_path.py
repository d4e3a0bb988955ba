"""The protocol endpoints and their paths: one table for the site's URLs and for the fast path.

Protocol requests have no browser session, language or form. So they need no middleware of pages, nor what Django does
before and after every request. The fast path calls the same endpoints without all that.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from functools import cached_property, lru_cache
from http import HTTPStatus
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host
from django.utils.module_loading import import_string

from common import issuer
from common.connection import pin_connection, unpin_connection
from idp import discovery, own_resource, signals_metadata, toolkit_paths
from provider.endpoints.device_authorization import device_authorization
from provider.endpoints.http import Answer, Endpoint, json_answer
from provider.endpoints.introspect import introspect
from provider.endpoints.par import par
from provider.endpoints.register import register
from provider.endpoints.revoke import revoke
from provider.endpoints.token import token
from provider.endpoints.tokeninfo import tokeninfo
from provider.endpoints.userinfo import userinfo
from provider.possession import PREFIXES

BASE = issuer.path()  # of the issuer that the process started with
METADATA = ("openid-configuration", "oauth-authorization-server")
ENDPOINTS: dict[str, Endpoint] = {
    # Below the issuer (OpenID Connect Discovery 1.0 section 4), and between its host and path (RFC 8414 section 3).
    **{f"{BASE}/.well-known/{name}": discovery.configuration for name in METADATA},
    **{f"/.well-known/{name}{BASE}": discovery.configuration for name in METADATA},
    f"{BASE}/.well-known/{signals_metadata.NAME}": signals_metadata.transmitter,
    f"/.well-known/{signals_metadata.NAME}{BASE}": signals_metadata.transmitter,
    own_resource.PATH: own_resource.protected_resource,
    f"{BASE}/.well-known/jwks.json": discovery.jwks,
    f"{BASE}/openid/jwks.json": discovery.jwks,
    **{
        f"{BASE}/{prefix}/{endpoint.__name__}": endpoint
        for prefix in PREFIXES
        for endpoint in (token, introspect, revoke, userinfo, tokeninfo, par, device_authorization, register)
    },
    **toolkit_paths.endpoints(),
}
WITHOUT_DATABASE = (discovery.configuration, own_resource.protected_resource, signals_metadata.transmitter)
# With and without a trailing slash: a POST is never redirected.
BY_PATH = {path + slash: endpoint for path, endpoint in ENDPOINTS.items() for slash in ("", "/")}
# Middleware that adds the same headers to every answer. They are computed once.
CONSTANT_HEADERS_FROM = (
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
FAULT = {"error": "server_error", "error_description": "It is our fault, not yours. Try again in a moment."}
# Django's logger of failed requests. What is refused is told by `provider.trace`.
logger = logging.getLogger("django.request")


class EndpointRequest:
    """The parts of a request that an endpoint reads."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.META = environ
        self.method: str = environ["REQUEST_METHOD"]

    @cached_property
    def body(self) -> bytes:
        """The caller has checked the length. Fewer bytes arrive when the client goes away."""
        sent: bytes = self.META["wsgi.input"].read(int(self.META.get("CONTENT_LENGTH") or 0))
        return sent


class FastPath:
    """A WSGI application for the paths of the table. It passes requests for other hosts to `site`."""

    def __init__(self, site: WSGIApplication) -> None:
        self._site = site
        self._constant = constant_headers()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not is_allowed_host(environ.get("HTTP_HOST", ""), tuple(settings.ALLOWED_HOSTS)):
            return self._site(environ, start_response)
        answer = _answer(environ)
        start_response(STATUS_LINES[answer.status], self._lines(answer).copy())
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]

    def _lines(self, answer: Answer) -> list[tuple[str, str]]:
        """All headers. Of a document they are put together once."""
        if answer.lines is None or answer.lines[0] is not self._constant:
            headers = {**self._constant, **answer.headers, "Content-Length": str(len(answer.body))}
            answer.lines = self._constant, list(headers.items())
        return answer.lines[1]


def _answer(environ: WSGIEnvironment) -> Answer:
    endpoint = BY_PATH[environ["PATH_INFO"]]
    if endpoint in WITHOUT_DATABASE:
        return _answer_of(endpoint, environ)
    connection = pin_connection()
    try:
        return _answer_of(endpoint, environ)
    finally:
        unpin_connection()
        # As Django does after a request: it is closed when it failed or became too old.
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _answer_of(endpoint: Endpoint, environ: WSGIEnvironment) -> Answer:
    try:
        return endpoint(EndpointRequest(environ))
    except Exception:
        logger.exception("Internal Server Error: %s", environ["PATH_INFO"])
        return json_answer(FAULT, HTTPStatus.INTERNAL_SERVER_ERROR)


@lru_cache(maxsize=256)
def is_allowed_host(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether a Host header names one of ALLOWED_HOSTS. When none are configured, Django decides."""
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def constant_headers() -> dict[str, str]:
    """The headers that this middleware adds to an answer without headers of its own."""
    scheme = urlsplit(settings.IDP_ISSUER).scheme
    request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": io.BytesIO()})
    response = HttpResponse()
    before = set(response.headers)
    for path in CONSTANT_HEADERS_FROM:
        if path in settings.MIDDLEWARE:
            response = import_string(path)(lambda _request: response)(request)  # noqa: B023 - called at once
    return {name: value for name, value in response.items() if name not in before}
