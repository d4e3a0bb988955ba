"""The one address that apps know: a proxy that leads to the old site, and from one moment on to the new one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

PATIENCE = 180  # seconds
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "server", "date"}


@dataclass
class Street:
    """While it is closed, requests wait; those under way are let through before."""

    target: str
    port: int
    _lock: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False
    _under_way: int = 0
    longest_wait: float = 0.0

    def enter(self) -> str:
        begun = time.monotonic()
        with self._lock:
            self._lock.wait_for(lambda: not self._closed, timeout=PATIENCE)
            self._under_way += 1
            self.longest_wait = max(self.longest_wait, time.monotonic() - begun)
            return self.target

    def leave(self) -> None:
        with self._lock:
            self._under_way -= 1
            self._lock.notify_all()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._lock.wait_for(lambda: self._under_way == 0, timeout=PATIENCE)

    def open(self) -> None:
        with self._lock:
            self._closed = False
            self._lock.notify_all()


@contextmanager
def street(target: str, port: int) -> Iterator[Street]:
    made = Street(target, port)
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(made))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def _handler(made: Street) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            target = made.enter()
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
                answer = requests.request(
                    self.command,
                    target + self.path,
                    data=body,
                    headers=headers,
                    timeout=PATIENCE,
                    allow_redirects=False,
                )
            finally:
                made.leave()
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP and name.lower() != "set-cookie":
                    self.send_header(name, value)
            for cookie in answer.raw.headers.getlist("Set-Cookie"):
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

    return Handler
