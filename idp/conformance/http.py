"""HTTP as apps and browsers speak it, without a library that repairs anything: what is sent is what is written here."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from common.json_type import Json
from idp.conformance import CannotRun

SECONDS = 15.0  # for each answer
MOST = 2_000_000  # bytes of one
FORM = "application/x-www-form-urlencoded"
_LEADS_ON = re.compile(r'<meta http-equiv="refresh" content="0; url=([^"]*)">')
Object = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str  # path and query
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        return ", ".join(self.every(name))

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def location(self) -> str:
        """Where it leads on to: by a redirect, or by a page that goes on by itself."""
        if 300 <= self.status < 400:
            return self.header("Location")
        found = _LEADS_ON.search(self.text) if self.status == 200 and b"http-equiv" in self.body else None
        return unescape(found[1]) if found else ""

    @property
    def json(self) -> Object:
        """The object it is; an empty one when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Transport(Protocol):
    """How requests reach the installation. Raises CannotRun when there is no answer."""

    def send(self, request: Request) -> Answer: ...


class Wire:
    """To one address, with the name of the issuer, as `curl --connect-to` does: the issuer itself, or a node behind its
    proxy. Straight there: a proxy for this machine's own requests says nothing of how apps come."""

    def __init__(self, issuer: str, url: str = "") -> None:
        self._issuer, self._at = urlsplit(issuer), urlsplit(url or issuer)
        self._kept: http.client.HTTPConnection | None = None

    def send(self, request: Request) -> Answer:
        """A connection that was kept may have been closed meanwhile. Then, and only then, it is sent once more."""
        fresh = self._kept is None
        try:
            return self._ask(self._kept or self._opened(), request)
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self.close()
            if fresh:
                raise self._no_answer(error) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._no_answer(error) from None
        return self.send(request)

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _no_answer(self, error: Exception) -> CannotRun:
        where = f"{self._at.scheme}://{self._at.netloc}"
        # What HTTP's own errors repeat came from there, or was sent.
        why = (
            type(error).__name__ if isinstance(error, http.client.HTTPException) else f"{type(error).__name__}: {error}"
        )
        said = f"{where} does not answer ({why})."
        if isinstance(error, ssl.SSLCertVerificationError):
            return CannotRun(f"{said} SSL_CERT_FILE names the authorities of a certificate that this machine lacks.")
        return CannotRun(f"{said} Check DNS, TLS, the proxy, and the server; --url asks a node behind the proxy.")

    def _opened(self) -> http.client.HTTPConnection:
        port = self._at.port or (443 if self._at.scheme == "https" else 80)
        connection = _Named(self._at.hostname or "", port, self._at, self._issuer)
        connection.connect()
        self._kept = connection
        return connection

    def _ask(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        headers = {"Host": self._issuer.netloc, **request.headers}
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if request.body is not None:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        came = connection.getresponse()
        answer = Answer(came.status, tuple(came.getheaders()), came.read(MOST))
        if came.will_close or not came.isclosed():
            self.close()
        return answer


class _Named(http.client.HTTPConnection):
    """TLS by the name of the issuer, wherever it is asked."""

    def __init__(self, host: str, port: int, at: SplitResult, issuer: SplitResult) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._tls, self._name = at.scheme == "https", issuer.hostname or host

    def connect(self) -> None:
        super().connect()
        if self._tls:
            plain: socket.socket = self.sock
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._name)
