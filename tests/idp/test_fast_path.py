"""The short way to the protocol endpoints gives the answers that Django gives with all its middleware."""

from __future__ import annotations

import inspect
import io
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.urls import Resolver404, resolve

from common import connection
from idp import fast_path, wsgi
from idp.fast_path import BY_PATH, ENDPOINTS, FastPath
from provider.endpoints import http
from tests.provider.endpoints.raw import RUBBISH, Answer, Rubbish, call, send
from tests.world import Browser, basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
OF_PAGES = {"Vary", "Content-Language"}  # said by middleware that chooses languages; these answers have none
FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
WEB = {"HTTP_AUTHORIZATION": basic("web", "web-secret")}

Heard = tuple[int, dict[str, str], Any]


def ask(application: Any, method: str, path: str, form: dict[str, str] | None = None, **extra: str) -> Heard:
    body = urlencode(form or {}).encode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "localhost:8000",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        **FORM,
        **extra,
    }
    answer = call(application, environ)
    headers = {name: value for name, value in answer.headers.items() if name not in OF_PAGES}
    return answer.status, headers, _comparable(answer)


def _comparable(answer: Answer) -> Any:
    """Each token is another one; the rest of the answer is the same."""
    if answer.headers.get("Content-Type") != "application/json" or not answer.body:
        return answer.body
    body = answer.json()
    return {name: value for name, value in body.items() if name != "access_token"} if isinstance(body, dict) else body


def same(method: str, path: str, form: dict[str, str] | None = None, **extra: str) -> Heard:
    """What both ways answer in the same moment: some answers count seconds."""
    with time_machine.travel(time.time(), tick=False):
        short = ask(FastPath(WSGIHandler()), method, path, form, **extra)
        status, headers, body = ask(WSGIHandler(), method, path, form, **extra)
    if method == "HEAD":  # servers leave the body out
        body = b""
    length = short[1].pop("Content-Length")
    assert (status, headers.pop("Content-Length", length), body) == (short[0], length, short[2])
    assert headers == short[1]
    return short


@pytest.mark.any_database
@pytest.mark.parametrize("path", BY_PATH)
def test_every_path_is_a_url_of_the_site_for_the_same_endpoint(path: str) -> None:
    assert inspect.unwrap(resolve(path).func) is inspect.unwrap(BY_PATH[path])


@pytest.mark.any_database
@pytest.mark.parametrize("path", ["/oauth2/authorize", "/oauth2/token//", "/oauth2/TOKEN", "/healthz/live", "/", ""])
def test_pages_and_other_paths_go_the_whole_way(path: str) -> None:
    assert path not in BY_PATH
    with pytest.raises(Resolver404):
        resolve("/oauth2/token//")


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_every_method_is_answered_alike(path: str, method: str) -> None:
    status, headers, _body = same(method, path)
    assert status < 500
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_what_works_is_answered_alike() -> None:
    credentials = {"grant_type": "client_credentials"}
    assert same("POST", "/oauth2/token", credentials, **WEB)[0] == 200
    token = Browser("owner").tokens("web", scope="openid email")["access_token"]
    assert same("POST", "/oauth2/introspect", {"token": token}, **WEB)[2]["active"] is True
    assert same("GET", "/oauth2/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}")[0] == 200
    assert same("POST", "/oauth2/tokeninfo", {"access_token": token})[0] == 200
    assert same("POST", "/oauth2/revoke", {"token": token}, **WEB)[0] == 200
    assert same("POST", "/oauth2/introspect", {"token": token}, **WEB)[2] == {"active": False}


@pytest.mark.parametrize(
    ("path", "form", "extra"),
    [
        ("/oauth2/token", {"grant_type": "client_credentials"}, {"HTTP_AUTHORIZATION": basic("web", "wrong")}),
        ("/oauth2/token", {"grant_type": "authorization_code", "code": "x"}, WEB),
        ("/oauth2/token", {"grant_type": "x"}, WEB),
        ("/oauth2/token", {}, {"CONTENT_TYPE": "application/json"}),
        ("/oauth2/userinfo", {}, {"HTTP_AUTHORIZATION": "Bearer x"}),
        ("/oauth2/introspect", {}, WEB),
    ],
    ids=str,
)
def test_what_does_not_is_refused_alike(path: str, form: dict[str, str], extra: dict[str, str]) -> None:
    assert 400 <= same("POST", path, form, **extra)[0] < 500


@pytest.mark.any_database
@pytest.mark.parametrize("host", ["evil.example", "a b", ""])
def test_another_host_is_refused_alike(host: str) -> None:
    with time_machine.travel(time.time(), tick=False):  # the page says until which second it is good
        short = ask(FastPath(WSGIHandler()), "POST", "/oauth2/token", HTTP_HOST=host)
        assert short == ask(WSGIHandler(), "POST", "/oauth2/token", HTTP_HOST=host)
    assert short[0] == 400


@pytest.mark.any_database
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1"])
def test_every_name_of_ours_is_one(host: str) -> None:
    assert same("GET", "/.well-known/jwks.json", HTTP_HOST=host)[0] == 200


def test_a_fault_is_told_in_the_log_and_nobody_else(monkeypatch: Any, caplog: Any) -> None:
    def broken(_request: Any) -> Any:
        raise RuntimeError("a fault nobody foresaw")

    monkeypatch.setitem(fast_path.BY_PATH, "/oauth2/token", broken)
    status, headers, body = ask(FastPath(WSGIHandler()), "POST", "/oauth2/token")
    assert (status, body) == (500, fast_path.FAULT)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "nobody foresaw" in caplog.text


def test_what_is_refused_is_one_line_either_way(caplog: Any) -> None:
    for way in (FastPath(WSGIHandler()), WSGIHandler()):
        caplog.clear()
        ask(way, "GET", "/oauth2/userinfo")
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("vestibule.requests", "WARNING")
        assert (record.fields["endpoint"], record.fields["status"]) == ("userinfo", 401)


class _Gone(io.BytesIO):
    """The body of a client that went away."""

    def read(self, *_args: Any) -> bytes:
        raise OSError("connection reset")


SENT = {"half": io.BytesIO(b"grant_type=client"), "nothing": io.BytesIO(), "gone": _Gone()}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_half_a_body_is_no_request(sent: io.BytesIO) -> None:
    """It might be a good one by accident: token=abc of token=abcdef."""
    extra: dict[str, Any] = {"wsgi.input": sent, "CONTENT_LENGTH": "29", **WEB}
    status, _headers, body = ask(FastPath(WSGIHandler()), "POST", "/oauth2/token", **extra)
    assert (status, body["error_description"]) == (400, "The request body ended early.")


@pytest.mark.parametrize("fails", [False, True])
def test_a_request_looks_for_its_connection_once_and_holds_it_no_longer(monkeypatch: Any, fails: bool) -> None:
    seen: list[Any] = []

    def endpoint(_request: Any) -> http.Answer:
        seen.append(held.connection)
        if fails:
            raise RuntimeError
        return http.json_answer({})

    held = connection._pinned
    monkeypatch.setitem(fast_path.BY_PATH, "/oauth2/token", endpoint)
    ask(FastPath(WSGIHandler()), "POST", "/oauth2/token")
    assert seen == [connections["default"]]
    assert held.connection is None


def test_a_connection_that_failed_is_not_kept(monkeypatch: Any) -> None:
    looked: list[bool] = []
    database = connections["default"]
    monkeypatch.setattr(database, "close_if_unusable_or_obsolete", lambda: looked.append(True))
    ask(FastPath(WSGIHandler()), "GET", "/.well-known/jwks.json")
    assert looked == [], "in a transaction somebody else does it"
    monkeypatch.setattr(database, "in_atomic_block", False)
    ask(FastPath(WSGIHandler()), "GET", "/.well-known/jwks.json")
    assert looked == [True]


def test_the_metadata_asks_the_database_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(fast_path, "pin_connection", lambda: pytest.fail("looked for a connection"))
    assert ask(FastPath(WSGIHandler()), "GET", "/.well-known/openid-configuration")[0] == 200


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/jwks.json"])
def test_headers_of_a_document_are_put_together_once_and_what_is_added_to_an_answer_stays_in_it(path: str) -> None:
    heard: list[list[tuple[str, str]]] = []
    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "HTTP_HOST": "localhost"}
    answering: Any = FastPath(WSGIHandler())
    for _ in range(2):
        answering(environ, lambda _status, headers: heard.append(headers))
        heard[-1].append(("X-Request-Id", "12345678"))
    first, second = heard
    assert first == second
    assert first is not second
    assert all(one is other for one, other in zip(first[:-1], second[:-1], strict=True))


def test_hsts_is_said_where_people_come_over_https(settings: Any) -> None:
    settings.IDP_ISSUER, settings.SECURE_HSTS_SECONDS = "https://localhost:8000", 60
    extra: dict[str, Any] = {"wsgi.url_scheme": "https"}
    assert same("GET", "/.well-known/jwks.json", **extra)[1]["Strict-Transport-Security"] == "max-age=60"


def test_the_application_takes_the_short_way_for_these_paths_only(monkeypatch: Any) -> None:
    taken: list[str] = []

    def handler(name: str) -> Any:
        def answer(environ: dict[str, Any], _start_response: Any) -> list[bytes]:
            taken.append(f"{name} {environ['PATH_INFO']}")
            return [b""]

        return answer

    monkeypatch.setattr(wsgi, "_fast_path", handler("short"))
    monkeypatch.setattr(wsgi, "_site", handler("whole"))
    start: Any = lambda *_args: None  # noqa: E731
    paths = ("/oauth2/token", "/oauth2/token/", "/oauth2/authorize", "/oauth2/token/x", "/")
    for path in paths:
        b"".join(wsgi.application({"PATH_INFO": path}, start))
    assert taken == [
        *("short /oauth2/token", "short /oauth2/token/"),
        *("whole /oauth2/authorize", "whole /oauth2/token/x", "whole /"),
    ]


def test_every_answer_of_the_application_says_how_long_it_is() -> None:
    for rubbish in (Rubbish("nothing"), RUBBISH[1]):
        answer = send("POST", "/oauth2/token", rubbish)
        assert answer.headers["Content-Length"] == str(len(answer.body))
