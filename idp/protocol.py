"""The protocol endpoints and their paths: one table, for the URLs of the site and for the short way to them.

No browser's session, language or form is behind these requests, so the middleware that pages need has nothing to do.
The short way is Django's own handler without it; the endpoints, their answers and what is logged are the same.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from clients.endpoints.introspect import introspect
from clients.endpoints.revoke import revoke
from clients.endpoints.token import token
from clients.endpoints.tokeninfo import tokeninfo
from clients.endpoints.userinfo import userinfo
from idp import discovery

Endpoint = Callable[[HttpRequest], HttpResponse]
ENDPOINTS: dict[str, Endpoint] = {
    "/.well-known/openid-configuration": discovery.configuration,
    "/.well-known/oauth-authorization-server": discovery.configuration,
    "/.well-known/jwks.json": discovery.jwks,
    "/openid/jwks.json": discovery.jwks,
    **{
        f"/{prefix}/{endpoint.__name__}": endpoint
        for prefix in ("oauth2", "openid")  # the second for services that use these paths already
        for endpoint in (token, introspect, revoke, userinfo, tokeninfo)
    },
}
# With and without a trailing slash: a POST is never redirected.
BY_PATH = {path + slash: endpoint for path, endpoint in ENDPOINTS.items() for slash in ("", "/")}
# The middleware that says the same with every answer; what it says is taken from it once.
CONSTANT = (
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)


class ProtocolHandler(WSGIHandler):
    """Django's handler for the paths of the table: no middleware and no URL resolver between it and the endpoint."""

    def load_middleware(self, is_async: bool = False) -> None:
        headers = constant_headers()
        answer = cast("Endpoint", convert_exception_to_response(_answer))

        def chain(request: HttpRequest) -> HttpResponse:
            response = answer(request)
            for name, value in headers.items():
                response.headers.setdefault(name, value)
            response.headers.setdefault("Content-Length", str(len(response.content)))
            return response

        self._middleware_chain = chain


def _answer(request: HttpRequest) -> HttpResponse:
    request.get_host()  # raises when it is not one of ours, as for pages
    return BY_PATH[request.path_info](request)


def constant_headers() -> dict[str, str]:
    """What `CONSTANT` adds to an answer that has no header of its own."""
    scheme = urlsplit(settings.IDP_ISSUER).scheme
    request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": io.BytesIO()})
    response = HttpResponse()
    before = set(response.headers)
    for path in CONSTANT:
        if path in settings.MIDDLEWARE:
            response = import_string(path)(lambda _request: response)(request)  # noqa: B023 - called at once
    return {name: value for name, value in response.items() if name not in before}
