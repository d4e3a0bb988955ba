"""The short way to the protocol endpoints gives the answers that Django gives with all its middleware."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.urls import Resolver404, resolve

from idp import protocol, wsgi
from idp.protocol import BY_PATH, ENDPOINTS, ProtocolHandler
from tests.clients.endpoints.raw import RUBBISH, Rubbish, send
from tests.world import Browser, basic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
OF_PAGES = {"Vary", "Content-Language"}  # said by middleware that chooses languages; these answers have none
FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
WEB = {"HTTP_AUTHORIZATION": basic("web", "web-secret")}

Heard = tuple[int, dict[str, str], Any]


def ask(handler: Any, method: str, path: str, form: dict[str, str] | None = None, **extra: str) -> Heard:
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
    request = handler.request_class(environ)
    response = handler.get_response(request)
    headers = {name: value for name, value in response.items() if name not in OF_PAGES}
    return response.status_code, headers, _comparable(response)


def _comparable(response: Any) -> Any:
    """Each token is another one; the rest of the answer is the same."""
    if response.get("Content-Type") != "application/json":
        return response.content
    body = json.loads(response.content)
    return {name: value for name, value in body.items() if name != "access_token"} if isinstance(body, dict) else body


def same(method: str, path: str, form: dict[str, str] | None = None, **extra: str) -> Heard:
    """What both ways answer."""
    short = ask(ProtocolHandler(), method, path, form, **extra)
    assert short == ask(WSGIHandler(), method, path, form, **extra)
    return short


@pytest.mark.parametrize("path", BY_PATH)
def test_every_path_is_a_url_of_the_site_for_the_same_endpoint(path: str) -> None:
    assert resolve(path).func is BY_PATH[path]


@pytest.mark.parametrize("path", ["/oauth2/authorize", "/oauth2/token//", "/oauth2/TOKEN", "/healthz/live", "/", ""])
def test_pages_and_other_paths_go_the_whole_way(path: str) -> None:
    assert path not in BY_PATH
    with pytest.raises(Resolver404):
        resolve("/oauth2/token//")


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


@pytest.mark.parametrize("host", ["evil.example", "a b", ""])
def test_another_host_is_refused_alike(host: str) -> None:
    short = ask(ProtocolHandler(), "POST", "/oauth2/token", HTTP_HOST=host)
    whole = ask(WSGIHandler(), "POST", "/oauth2/token", HTTP_HOST=host)
    assert (short[0], short[2]) == (whole[0], whole[2])
    assert short[0] == 400
    assert set(whole[1]) <= set(short[1]), "no header is missing"


def test_a_fault_is_answered_alike_and_told_nobody(monkeypatch: Any, settings: Any) -> None:
    def broken(_request: Any) -> Any:
        raise RuntimeError("a fault nobody foresaw")

    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    monkeypatch.setitem(protocol.BY_PATH, "/oauth2/token", broken)
    status, headers, body = ask(ProtocolHandler(), "POST", "/oauth2/token")
    assert status == 500
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert b"nobody foresaw" not in body


def test_hsts_is_said_where_people_come_over_https(settings: Any) -> None:
    settings.IDP_ISSUER, settings.SECURE_HSTS_SECONDS = "https://localhost:8000", 60
    extra = {"wsgi.url_scheme": "https"}
    assert same("GET", "/.well-known/jwks.json", **extra)[1]["Strict-Transport-Security"] == "max-age=60"


def test_the_application_takes_the_short_way_for_these_paths_only(monkeypatch: Any) -> None:
    taken: list[str] = []

    def handler(name: str) -> Any:
        def answer(environ: dict[str, Any], _start_response: Any) -> list[bytes]:
            taken.append(f"{name} {environ['PATH_INFO']}")
            return [b""]

        return answer

    monkeypatch.setattr(wsgi, "_protocol", handler("short"))
    monkeypatch.setattr(wsgi, "_django", handler("whole"))
    paths = ("/oauth2/token", "/oauth2/token/", "/oauth2/authorize", "/oauth2/token/x", "/")
    for path in paths:
        b"".join(wsgi.application({"PATH_INFO": path}, lambda *_args: None))
    assert taken == [
        *("short /oauth2/token", "short /oauth2/token/"),
        *("whole /oauth2/authorize", "whole /oauth2/token/x", "whole /"),
    ]


def test_every_answer_of_the_application_says_how_long_it_is() -> None:
    for rubbish in (Rubbish("nothing"), RUBBISH[1]):
        answer = send("POST", "/oauth2/token", rubbish)
        assert answer.headers["Content-Length"] == str(len(answer.body))
