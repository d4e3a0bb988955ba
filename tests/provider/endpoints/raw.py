"""Requests as a hostile client writes them, byte by byte, and every address there is to send them to."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.urls import URLResolver, get_resolver

from idp.wsgi import application

FORM = "application/x-www-form-urlencoded"
SESSION = settings.SESSION_COOKIE_NAME


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Rubbish:
    """Something nobody should send. `extra` goes into the WSGI environment as it is."""

    name: str
    query: bytes = b""
    body: bytes = b""
    content_type: str = FORM
    extra: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def send(method: str, path: str, rubbish: Rubbish, cookie: str = "") -> Answer:
    """Through the whole application, as a server would call it; failures become answers, as they do there."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.encode(errors="surrogateescape").decode("latin-1"),
        "QUERY_STRING": rubbish.query.decode("latin-1"),
        "CONTENT_TYPE": rubbish.content_type,
        "CONTENT_LENGTH": str(len(rubbish.body)),
        "HTTP_HOST": "localhost:8000",
        "HTTP_COOKIE": cookie,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(rubbish.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **rubbish.extra,
    }
    return call(application, environ)


def call(application: Any, environ: dict[str, Any]) -> Answer:
    """What a WSGI application answers (PEP 3333)."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    with connection_left_alone() if connection.in_atomic_block else nullcontext():
        response = application(environ, lambda status, headers, _exc_info=None: started.append((status, headers)))
        body = b"".join(response)
        if hasattr(response, "close"):
            response.close()
    status, headers = started[0]
    return Answer(int(status.split()[0]), dict(headers), body)


@contextmanager
def connection_left_alone() -> Iterator[None]:
    """Around requests Django closes connections that are in a transaction, as a test's is; its own client does this."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


VALUES = (
    "1",
    "x",
    "-1",
    "9" * 30,
    "\u00e9\u20ac",
    "\udcff",
    "a/b",
    "..",
    "%00",
    "\0",
    "a" * 3000,
    "_x_",
    "zzzzzzzzzzzzz",
)


def addresses(values: Sequence[str], resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[str]:
    """Every path of the site, with its variable parts filled in with these values."""
    resolver = resolver or get_resolver()
    for view in resolver.reverse_dict:
        if callable(view):
            for possibilities, *_rest in resolver.reverse_dict.getlist(view):
                for text, names in possibilities:
                    yield from {prefix + text % filled for filled in _filled(list(names), values)}
    for space, below in resolver.namespace_dict.values():
        yield from addresses(values, below, prefix + space)


def _filled(names: list[str], values: Sequence[str]) -> Iterator[dict[str, str]]:
    for value in values:
        yield dict.fromkeys(names, value)
    for first, other in itertools.pairwise(values if len(names) > 1 else ()):
        yield {**dict.fromkeys(names, other), names[0]: first}


def _sent(name: str, data: bytes, **more: Any) -> list[Rubbish]:
    """The same rubbish in the query, in the body and in both."""
    return [
        Rubbish(f"{name} in the query", query=data, **more),
        Rubbish(f"{name} in the body", body=data, **more),
        Rubbish(f"{name} in both", query=data, body=data, **more),
    ]


def _headers(name: str, **extra: str) -> Rubbish:
    return Rubbish(name, body=b"token=x&grant_type=client_credentials&client_id=nobody", extra=extra)


MULTIPART = b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\n\xff\r\n--b--\r\n'
CODECS = ("hex", "rot13", "utf-16", "utf-7", "idna", "punycode", "undefined", "nonsense", "utf-8\0")
RUBBISH: list[Rubbish] = [
    Rubbish("nothing"),
    *_sent("a NUL", b"token=a\0b&client_id=\0&grant_type=\0"),
    *_sent("an escaped NUL", b"token=%00&client_id=%00&login=%00&next=%00&seen=%00&username=%00&q=%00&id=%00"),
    *_sent("a lone surrogate", b"token=\xed\xa0\x80&login=\xed\xa0\x80&next=/\xed\xa0\x80&q=\xed\xa0\x80"),
    *_sent("an escaped lone surrogate", b"token=%ED%A0%80&login=%ED%A0%80&next=/%ED%A0%80&client_id=%ED%BF%BF"),
    *_sent("invalid UTF-8", b"token=\xff\xfe&client_id=\xc3&login=\xff&next=\xff&redirect_uri=\xff"),
    *_sent("escaped invalid UTF-8", b"token=%FF&client_id=%C3%28&login=%FF&next=%FF&redirect_uri=%FF"),
    *_sent("broken escapes", b"token=%&client_id=%zz&login=%1&next=%u1234&%=%&=&=&&&;;"),
    *_sent("ten thousand fields", b"&".join(b"f%d=1" % number for number in range(10_000))),
    *_sent("repeats", b"token=1&token=2&client_id=1&client_id=2&grant_type=1&grant_type=2&next=1&next=2"),
    *_sent("brackets", b"token[]=1&client_id[a]=1&grant_type[0][x]=1&login[$ne]=1"),
    *_sent("lines", b"next=%0d%0aX:%201&state=%0d%0aX&redirect_uri=%0d%0aX&login=%0d%0a&next=/%0d%0a"),
    Rubbish("a megabyte in the query", query=b"x=" + b"a" * 1_000_000),
    *(
        _headers(f"Authorization {one[:12]!r}", HTTP_AUTHORIZATION=one)
        for one in ("\0", "Basic", "Basic \xff", "Basic AAAA", "Basic /w==", "Bearer \0", "Bearer \xff", "a" * 100_000)
    ),
    *(
        _headers(f"Cookie {one[:12]!r}", HTTP_COOKIE=one)
        for one in (
            f'{SESSION}="\\000aaaaaaaa"',
            f"{SESSION}=\xff\xff\xff\xff\xff",
            "=;=;;,",
            f"{settings.CSRF_COOKIE_NAME}=\0; {SESSION}=" + "a" * 9999,
        )
    ),
    _headers("languages", HTTP_ACCEPT_LANGUAGE="de;q=x,\xff,*;q=9e999," + "a," * 5000),
    _headers("forwarded", HTTP_X_FORWARDED_FOR="\xff, ,,::g", HTTP_X_FORWARDED_HOST="a b", REMOTE_ADDR=""),
    _headers("origin", HTTP_ORIGIN="http://[::1", HTTP_REFERER="http://[::1"),
    _headers("accept", HTTP_ACCEPT="\xff;;=,*/*;q=x", HTTP_CONTENT_ENCODING="gzip", HTTP_EXPECT="\xff"),
    _headers("tracing", HTTP_X_REQUEST_ID="\0\xff", HTTP_TRACEPARENT="\xff", HTTP_X_CORRELATION_ID="a" * 9999),
]
# How something is packed: read or refused before a value of it gets near a database.
PACKED: list[Rubbish] = [
    Rubbish("five megabytes in a form", body=b"token=" + b"a" * 5_000_000),
    Rubbish("five megabytes of JSON", body=b"[" * 5_000_000, content_type="application/json"),
    Rubbish("five megabytes of parts", body=MULTIPART * 70_000, content_type="multipart/form-data; boundary=b"),
    Rubbish("JSON", body=b'{"token": {"a": [1, null]}}', content_type="application/json"),
    Rubbish("parts", body=MULTIPART, content_type="multipart/form-data; boundary=b"),
    Rubbish("broken parts", body=MULTIPART[:40], content_type="multipart/form-data; boundary=b"),
    Rubbish("parts without a boundary", body=MULTIPART, content_type="multipart/form-data"),
    Rubbish("a boundary that is none", body=MULTIPART, content_type="multipart/form-data; boundary=\xff\0"),
    Rubbish("XML", body=b"<?xml version='1.0'?><!DOCTYPE x><x/>", content_type="text/xml"),
    Rubbish("no type", body=b"token=x", content_type=""),
    Rubbish("half a type", body=b"token=x", content_type=";;=\xff; charset"),
    *(Rubbish(f"charset {one}", b"a=%ff", b"a=%ff", f"{FORM}; charset={one}") for one in CODECS),
    *(
        Rubbish(f"length {one[:9]!r}", body=b"token=x", extra={"CONTENT_LENGTH": one})
        for one in ("-1", "abc", "1e3", "0x5", " 7", "+7", "7.0", "9" * 5000, "\xb2", "3", "99", "")
    ),
]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "\xff")
