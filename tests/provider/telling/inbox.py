"""The receiver of a webhook on this machine: verifies what it gets as Standard Webhooks' own library does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook as Verifier

from clients import webhooks
from clients.models import Webhook
from clients.webhooks import WebhookMetadata
from projects.actors import Actor
from projects.models import Project

OPERATOR = Actor.operator("a test")


@dataclass
class Inbox:
    """`answer`: the status for the message of this number, counted from 1; None hangs up without a word."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[int], int | None] = lambda _number: 204
    secret: str = ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    @property
    def kinds(self) -> list[str]:
        return [str(one["type"]) for one in self.messages]

    @property
    def ids(self) -> list[str]:
        return [one["webhook-id"] for one in self.headers]

    def verify(self, number: int, secret: str = "") -> dict[str, Any]:
        verified: dict[str, Any] = Verifier(secret or self.secret).verify(self.bodies[number], self.headers[number])
        return verified


@contextmanager
def inbox(project: str = "acme", **wanted: Any) -> Iterator[Inbox]:
    """A receiver, and a webhook of this project that sends to it."""
    box = Inbox()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                box.bodies.append(body)
                box.headers.append({name.lower(): value for name, value in self.headers.items()})
                status = box.answer(len(box.bodies))
            if status is not None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.send_header("Location", "/elsewhere")
                self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    _made, box.secret = webhooks.register(
        WebhookMetadata(url=box.url, **wanted), Project.objects.get(key=project), OPERATOR
    )
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def the_webhook() -> Webhook:
    return Webhook.objects.select_related("project").get()
