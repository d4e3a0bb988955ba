"""What a client of the soak sends requests with: one connection that is kept, and cookies. It repeats nothing."""

from __future__ import annotations

import base64
import contextlib
import html
import http.client
import json
import re
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, urlencode, urljoin, urlsplit

from common.json_type import Json
from tests.soak.nodes import HOST

PATIENCE = 20  # seconds
PATIENCE_NEARBY = 3  # with a node itself
Form: TypeAlias = "dict[str, str] | list[tuple[str, str]]"


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` 0: none came, and `body` says why."""

    status: int
    body: str
    began: float
    ended: float
    location: str = ""
    retry_after: str = ""

    def json(self) -> dict[str, Json]:
        with contextlib.suppress(ValueError):
            read = json.loads(self.body)
            if isinstance(read, dict):
                return read
        return {}

    def text(self, name: str) -> str:
        value = self.json().get(name)
        return value if isinstance(value, str) else ""


class _ThroughTls(http.client.HTTPSConnection):
    """To loopback, under the public name."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(HOST, port, timeout=PATIENCE, context=context)
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls.wrap_socket(plain, server_hostname=HOST)


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=certificate.read_text().partition("-----BEGIN PRIVATE")[0])


@dataclass
class Http:
    """One client, for one thread. Without `tls` it asks a node itself, as a program of the same network may."""

    port: int
    issuer: str
    tls: ssl.SSLContext | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self.send("GET", path, None, headers)

    def post(self, path: str, form: Form, headers: dict[str, str] | None = None) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urlencode(form), kind | (headers or {}))

    def send(self, method: str, path: str, body: str | None, headers: dict[str, str] | None = None) -> Answer:
        given = {"Host": urlsplit(self.issuer).netloc, **(headers or {})}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        began = time.monotonic()
        try:
            answer, read = self._exchange(method, path, body, given)
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            return Answer(0, type(error).__name__, began, time.monotonic())
        self._keep(answer)
        location, later = answer.getheader("Location") or "", answer.getheader("Retry-After") or ""
        return Answer(answer.status, read.decode(errors="replace"), began, time.monotonic(), location, later)

    def _exchange(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self._connected()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        read = answer.read()
        if answer.will_close:
            self.hang_up()
        return answer, read

    def _connected(self) -> http.client.HTTPConnection:
        """The one that is kept, unless the other side closed it meanwhile: every client of the world looks."""
        if self._connection and self._connection.sock and select.select([self._connection.sock], [], [], 0)[0]:
            self.hang_up()
        if self._connection is None:
            self._connection = (
                _ThroughTls(self.port, self.tls)
                if self.tls
                else http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_NEARBY)
            )
        return self._connection

    def _keep(self, answer: http.client.HTTPResponse) -> None:
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, cookie in SimpleCookie(line).items():
                self.cookies[name] = cookie.value

    def hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def filled(page: str, address: str, **fields: str) -> tuple[str, list[tuple[str, str]]]:
    """Where the first form of a page goes, and what is sent: what it holds, and what is filled in."""
    form = re.search(r'<form [^>]*method="post"[^>]*action="([^"]*)"(.*?)</form>', page, re.DOTALL)
    if not form:
        return address, []
    sent = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[2])
    sent += re.findall(r'<input type="checkbox" name="([^"]+)" value="([^"]*)" checked', form[2])
    return urljoin(address, html.unescape(form[1])), [(n, html.unescape(v)) for n, v in sent] + list(fields.items())


def ahead(answer: Answer) -> str:
    """Where an answer leads: a redirect, or a page that goes on by itself."""
    if answer.location:
        return answer.location
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', answer.body)
    return html.unescape(found[1]) if found else ""


def basic(client_id: str, secret: str) -> str:
    """An Authorization header, both parts form-encoded first (RFC 6749 section 2.3.1)."""
    return "Basic " + base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
