"""Whoever calls an ASGI app, without a server between: what was sent, and what came back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vestibule_verifier.asgi import App, Message, Receive, Scope, Send

HOST = "evil.example"  # what the request says; nobody may believe it


@dataclass
class Reply:
    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(str(self.messages[0]["status"]))

    @property
    def headers(self) -> dict[str, str]:
        lines: Any = self.messages[0]["headers"]
        return {name.decode(): value.decode("latin-1") for name, value in lines}

    @property
    def body(self) -> bytes:
        parts: list[Any] = [message.get("body", b"") for message in self.messages[1:]]
        return b"".join(parts)

    def json(self) -> Any:
        return json.loads(self.body)


def scope_of(path: str, headers: Mapping[str, str] | None = None, **more: Any) -> Scope:
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", HOST.encode()), *lines],
        **more,
    }


async def call_async(app: App, scope: Scope, *parts: bytes) -> Reply:
    reply, left = Reply(), list(parts or (b"",))

    async def receive() -> Message:
        if scope["type"] == "websocket":
            return {"type": "websocket.connect"}
        if not left:
            return {"type": "http.disconnect"}
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    async def send(message: Message) -> None:
        reply.messages.append(message)

    await app(scope, receive, send)
    return reply


def call(app: App, path: str = "/orders/7", token: str = "", *parts: bytes, **more: Any) -> Reply:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    scope = scope_of(path, {**headers, **more.pop("headers", {})}, **more)
    return asyncio.run(call_async(app, scope, *parts))


async def tells_its_token(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that says who calls, and what was sent."""
    token: Any = scope["access_token"]
    body: Any = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{token.subject} {body.decode()}".encode()})
