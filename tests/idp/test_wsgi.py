from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler

from idp import wsgi


def headers_of(path: str) -> dict[str, str]:
    environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_HOST": "localhost:8000", "wsgi.url_scheme": "http"}
    setup_testing_defaults(environ)
    answer: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        answer.update(headers)
        return lambda _data: None

    b"".join(wsgi.application(environ, start_response))
    return answer


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/par", "/accounts/login/", "/nowhere"])
def test_a_body_in_chunks_is_refused_with_a_sentence_and_not_taken_for_an_empty_one(path: str) -> None:
    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": "POST", "HTTP_TRANSFER_ENCODING": "chunked"}
    setup_testing_defaults(environ)
    said: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        said.append(status)
        return lambda _data: None

    body = json.loads(b"".join(wsgi.application(environ, start_response)))
    assert said == ["411 Length Required"]
    assert body["error"] == "invalid_request"
    assert "Content-Length" in body["error_description"]


@pytest.mark.django_db  # Django looks after its connection when a request ends
@pytest.mark.parametrize(("issuer", "sent"), [("https://localhost:8000", True), ("http://localhost:8000", False)])
def test_behind_a_proxy_that_ends_tls_browsers_still_hear_of_hsts(
    settings: Any, monkeypatch: pytest.MonkeyPatch, issuer: str, sent: bool
) -> None:
    settings.IDP_ISSUER = issuer
    settings.SECURE_HSTS_SECONDS = 60
    monkeypatch.setattr(wsgi, "_django", WSGIHandler())  # middleware reads the settings when it is made
    assert ("Strict-Transport-Security" in headers_of("/healthz/live")) == sent
