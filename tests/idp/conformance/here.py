"""The installation in the process of the test, asked as over HTTP; and faults that somebody may build into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

from django.test import Client as Http

from idp.conformance.http import Answer, Request

APART = ("Content-Type", "Content-Length")


class Here:
    """A transport without a network."""

    def __init__(self) -> None:
        self.http = Http(enforce_csrf_checks=True, raise_request_exception=False)

    def send(self, request: Request) -> Answer:
        named = {name: value for name, value in request.headers.items() if name not in APART}
        variables = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in named.items()}
        self.http.cookies.clear()
        kind = request.headers.get("Content-Type", "application/octet-stream")
        # The path of the tests' client is not encoded.
        came = self.http.generic(request.method, request.target, request.body or b"", kind, **variables)
        cookies = [("Set-Cookie", one.OutputString()) for one in came.cookies.values()]
        return Answer(came.status_code, (*came.headers.items(), *cookies), came.content)
