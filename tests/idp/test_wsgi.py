from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler

from idp import wsgi
from idp.bodies import BufferedBodies
from idp.fast_path import BY_PATH
from tests.provider.endpoints.raw import Rubbish, connection_left_alone, send
from tests.world import SECRETS, basic


@pytest.fixture(autouse=True)
def _within_the_transaction_of_the_test() -> Iterator[None]:
    with connection_left_alone():
        yield


def headers_of(path: str) -> dict[str, str]:
    environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_HOST": "localhost:8000", "wsgi.url_scheme": "http"}
    setup_testing_defaults(environ)
    answer: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        answer.update(headers)
        return lambda _data: None

    b"".join(wsgi.application(environ, start_response))
    return answer


@pytest.mark.django_db
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


@pytest.mark.django_db
def test_programs_at_the_api_read_of_bodies_in_chunks_as_of_every_problem() -> None:
    environ: dict[str, Any] = {"PATH_INFO": "/api/v1/projects/acme", "REQUEST_METHOD": "PUT"}
    environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    setup_testing_defaults(environ)
    said: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        said.update(headers, status=status)
        return lambda _data: None

    body = json.loads(b"".join(wsgi.application(environ, start_response)))
    assert (said["status"], said["Content-Type"]) == ("411 Length Required", "application/problem+json")
    assert body["type"] == "urn:vestibule:problem:malformed"


def test_a_body_that_is_too_large_is_refused_before_it_is_read() -> None:
    for path, kind in (
        ("/accounts/login/", "text/plain"),
        ("/auth/api/v1/projects/acme", "application/problem+json"),
        *((path, "application/json") for path in BY_PATH if "/api/v1" not in path),
    ):
        said: dict[str, str] = {}

        def start_response(
            status: str,
            headers: list[tuple[str, str]],
            exc_info: Any = None,
            said: dict[str, str] = said,
        ) -> Callable[[bytes], object]:
            said.update(headers, status=status)
            return lambda _data: None

        environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": "PUT", "CONTENT_LENGTH": "1000001"}
        body = b"".join(BufferedBodies(wsgi.application, BY_PATH)(environ, start_response))
        assert (said["status"], said["Content-Type"]) == ("413 Content Too Large", kind)
        assert int(said["Content-Length"]) == len(body)


@pytest.mark.django_db  # Django looks after its connection when a request ends
@pytest.mark.parametrize(("issuer", "sent"), [("https://localhost:8000", True), ("http://localhost:8000", False)])
def test_behind_a_proxy_that_ends_tls_browsers_still_hear_of_hsts(
    settings: Any, monkeypatch: pytest.MonkeyPatch, issuer: str, sent: bool
) -> None:
    settings.IDP_ISSUER = issuer
    settings.SECURE_HSTS_SECONDS = 60
    monkeypatch.setattr(wsgi, "_django", WSGIHandler())  # middleware reads the settings when it is made
    assert ("Strict-Transport-Security" in headers_of("/healthz/live")) == sent


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/oauth2/token", "/.well-known/jwks.json", "/accounts/login/", "/nowhere", "/healthz/live"]
)
def test_every_answer_bears_the_id_of_its_request(path: str, keys: None) -> None:
    ids = {headers_of(path)["X-Request-Id"] for _ in range(3)}
    assert all(re.fullmatch("[0-9a-f]{8}", one) for one in ids)
    assert len(ids) == 3


@pytest.mark.django_db
def test_a_page_of_a_refusal_shows_the_id_in_its_header(world: None, caplog: pytest.LogCaptureFixture) -> None:
    environ: dict[str, Any] = {"PATH_INFO": "/oauth2/authorize", "QUERY_STRING": "client_id=nobody"}
    setup_testing_defaults(environ)
    environ["HTTP_HOST"] = "localhost:8000"
    answer: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        answer.update(headers)
        return lambda _data: None

    shown = b"".join(wsgi.application(environ, start_response)).decode()
    assert f"<code>{answer['X-Request-Id']}</code>" in shown
    assert f"rid={answer['X-Request-Id']}" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "lines"), [("/.well-known/jwks.json", 1), ("/oauth2/token", 0), ("/healthz/live", 0)])
def test_what_succeeds_is_a_line_where_somebody_wants_it(
    path: str, lines: int, keys: None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    headers_of(path)
    assert "Answered: " not in caplog.text
    settings.IDP_LOG_REQUESTS = True
    headers_of(path)
    assert caplog.text.count("Answered: ") == lines


@pytest.mark.django_db
def test_a_line_of_a_request_that_succeeded_names_its_client_grant_and_time_and_no_value(
    world: None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings.IDP_LOG_REQUESTS = True
    body = urlencode({"grant_type": "client_credentials"}).encode()
    extra = {"HTTP_AUTHORIZATION": basic("service", SECRETS["service"])}
    token = send("POST", "/oauth2/token", Rubbish("none", body=body, extra=extra)).json()["access_token"]
    send("POST", "/oauth2/introspect", Rubbish("none", body=f"token={token}".encode(), extra=extra))
    first, second = [one.fields for one in caplog.records if hasattr(one, "fields")]
    assert (first["endpoint"], first["client"], first["grant"]) == ("/oauth2/token", "service", "client_credentials")
    assert (second["endpoint"], second["client"], second["grant"]) == ("/oauth2/introspect", "service", "")
    assert first["rid"] != second["rid"]
    assert all(isinstance(one["ms"], float) for one in (first, second))
    assert token not in caplog.text


@pytest.mark.django_db
def test_nobody_writes_a_line_of_the_log_by_a_path(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings.IDP_LOG_REQUESTS = True
    headers_of("/oauth2/a\n2026-11-29 WARNING vestibule.requests Refused: client=web")
    (line,) = [one.getMessage() for one in caplog.records if one.getMessage().startswith("Answered: ")]
    assert "endpoint=/oauth2/a%0A2026-11-29%20WARNING%20vestibule.requests%20Refused%3A%20client%3Dweb " in line
    assert line.isprintable()


@pytest.mark.django_db
def test_a_path_in_other_letters_is_a_line_too(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings.IDP_LOG_REQUESTS = True
    headers_of("/oauth2/" + "日本".encode().decode("latin-1"))
    assert "endpoint=/oauth2/%E6%97%A5%E6%9C%AC " in caplog.text
