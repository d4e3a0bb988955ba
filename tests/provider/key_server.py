"""A client's own server on this machine that has its keys."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class KeyServer:
    """Answers with `body`, after `slow` seconds, with `status`; while it is `held` to nobody."""

    def __init__(self) -> None:
        self.body = b'{"keys": []}'
        self.status, self.slow, self.asked = 200, 0.0, 0
        self.headers: dict[str, str] = {}
        self.url = ""
        self.goes_on = threading.Event()
        self.goes_on.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody is answered inside, so that who goes on there waited for no answer, on however slow a machine."""
        self.goes_on.clear()
        try:
            yield
        finally:
            self.goes_on.set()

    def is_asked(self, times: int = 1) -> None:
        """Wait until it was, so many times in all."""
        until = time.monotonic() + 30
        while self.asked < times:
            assert time.monotonic() < until, f"it was asked {self.asked} times"
            time.sleep(0.01)

    def has(self, *keys: dict[str, Any]) -> None:
        self.body = json.dumps({"keys": keys}).encode()


@contextmanager
def serving_keys() -> Iterator[KeyServer]:
    keys = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.asked += 1
            time.sleep(keys.slow)
            keys.goes_on.wait(60)
            self.send_response(keys.status)
            for name, value in {"Content-Length": str(len(keys.body)), **keys.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(keys.body)

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *args: Any) -> None:
            """Whoever hangs up on this server is what the tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        keys.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02))
        thread.start()
        try:
            yield keys
        finally:
            server.shutdown()
            thread.join()
