"""For ASGI: Starlette, FastAPI, Quart, an MCP server. Needs none of them.

Whatever may ask the provider runs in a thread of its own, so that no other request waits for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol
from urllib.parse import quote
from weakref import WeakKeyDictionary

from vestibule_verifier.access import AccessToken
from vestibule_verifier.answers import answer, presented
from vestibule_verifier.claims import scopes
from vestibule_verifier.errors import InsufficientScope, Missing, TokenError
from vestibule_verifier.metadata import HEADERS, PREFLIGHT, ProtectedResource
from vestibule_verifier.sender import Sender
from vestibule_verifier.tools import MAX_BODY, needed_by

Scope = MutableMapping[str, object]
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Certificate = Callable[[Scope], "bytes | str | None"]
THREADS = 16  # that wait for the provider at a time; the next request waits for one of them
NAME = "access_token"  # in the scope of a request that was let through

# A loop has its own: a forked process has no threads, and begins with a new loop.
_threads: WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPoolExecutor] = WeakKeyDictionary()


class Connection(Protocol):
    """A request of Starlette or FastAPI, for example."""

    @property
    def scope(self) -> Scope: ...


def access_token(connection: Connection, scope: str = "") -> AccessToken:
    """The token of this request, when it has every scope of `scope`; raises TokenError, which AccessTokens answers."""
    token = connection.scope.get(NAME)
    if not isinstance(token, AccessToken):
        raise Missing("Send an access token in the Authorization header.")
    _check(token, scopes(scope))
    return token


class AccessTokens:
    """Lets only requests with a good access token through to an app. Serves the document that describes the API.

    `scope`: what every request needs. `tools`: for an MCP server, what its tools need besides, by their names.
    `base_url`: what apps call, up to where the path begins that the server sees; the origin of the resource, unless a
    proxy takes a part of the path away. `certificate` answers that of the connection, from a header that only your
    proxy can set.
    """

    def __init__(
        self,
        app: App,
        resource: ProtectedResource,
        *,
        scope: str = "",
        tools: Mapping[str, str] | None = None,
        base_url: str = "",
        certificate: Certificate | None = None,
        realm: str = "api",
    ) -> None:
        self.app, self.resource, self.scope = app, resource, " ".join(sorted(scopes(scope)))
        self._tools = {name: scopes(needed) for name, needed in (tools or {}).items()}
        self._base_url = (base_url or resource.origin).rstrip("/")
        self._certificate, self._realm = certificate, realm

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and self.resource.is_metadata(str(scope["path"])):
            await describe(self.resource, scope, send)
        else:
            await self._guard(scope, receive, send)

    async def pass_on(self, token: AccessToken, scope: Scope, receive: Receive, send: Send) -> None:
        """To the app, which finds the token in the scope."""
        await self.app({**scope, NAME: token}, receive, send)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            token = await self._checked(scope)
            if self._tools and scope.get("method") == "POST":
                body = await _read(receive)
                if body is None:
                    await _respond(send, 413, {}, b"")
                    return
                receive = _again(body, receive)
                _check(token, needed_by(body, self._tools), scopes(self.scope))
            await self.pass_on(token, scope, receive, sending)
        except TokenError as error:
            if started:
                raise
            await self._refuse(error, scope, receive, send)

    async def _checked(self, scope: Scope) -> AccessToken:
        sent = header(scope, "authorization")
        scheme, text = presented(sent[0] if len(sent) == 1 else "")
        sender = Sender(
            method=str(scope.get("method", "GET")),  # a websocket has none
            url=self._base_url + _path(scope),
            scheme=scheme,
            proof=",".join(header(scope, "dpop")) or None,
            certificate=self._certificate(scope) if self._certificate is not None else None,
        )
        return await in_thread(partial(self.resource.verifier.verify, text, scope=self.scope, sender=sender))

    async def _refuse(self, error: TokenError, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it was opened: 403
            return
        used = " ".join(header(scope, "authorization")).partition(" ")[0].lower()
        refused = answer(error, self._realm, used, self.resource, self.scope)
        headers = {"Content-Type": "application/json", **refused.headers}
        await _respond(send, refused.status, headers, json.dumps(refused.body).encode())


class Metadata:
    """The document alone, for a route of the site when the API is an app that is mounted below a path."""

    def __init__(self, resource: ProtectedResource) -> None:
        self.resource = resource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await describe(self.resource, scope, send)


async def describe(resource: ProtectedResource, scope: Scope, send: Send) -> None:
    """Answer with the document, also to a page of another origin, and to what its browser asks first."""
    if scope["method"] == "OPTIONS":
        await _respond(send, 204, PREFLIGHT, b"")
    elif scope["method"] in ("GET", "HEAD"):
        await _respond(send, 200, HEADERS, resource.body if scope["method"] == "GET" else b"")
    else:
        await _respond(send, 405, {"Allow": "GET, HEAD, OPTIONS"}, b"")


async def in_thread(check: Callable[[], AccessToken]) -> AccessToken:
    """In a thread that does nothing else, so that an outage of the provider takes none away from the app."""
    loop = asyncio.get_running_loop()
    if loop not in _threads:
        _threads[loop] = ThreadPoolExecutor(THREADS, thread_name_prefix="access-tokens")
    return await loop.run_in_executor(_threads[loop], check)


def _check(token: AccessToken, *needed: frozenset[str]) -> None:
    wanted = frozenset[str]().union(*needed)
    if not wanted <= token.scopes:
        raise InsufficientScope(" ".join(sorted(wanted)), token.scopes)


def headers_of(scope: Scope) -> list[tuple[bytes, bytes]]:
    found = scope["headers"]
    return list(found) if isinstance(found, list | tuple) else []


def header(scope: Scope, name: str) -> list[str]:
    """Every value that was sent under a name."""
    return [value.decode("latin-1") for key, value in headers_of(scope) if key.lower() == name.encode()]


def _path(scope: Scope) -> str:
    """As it was sent: percent-encoded, without the query."""
    raw = scope.get("raw_path")
    return raw.partition(b"?")[0].decode("latin-1") if isinstance(raw, bytes) else quote(str(scope["path"]))


async def _read(receive: Receive) -> bytes | None:
    """The body; None: it is too long, or nobody is there any more."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        part = message.get("body", b"")
        body += part if isinstance(part, bytes) else b""
        if message["type"] != "http.request" or len(body) > MAX_BODY:
            return None
        more = bool(message.get("more_body", False))
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read, and then what else comes."""
    read = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return read.pop() if read else await receive()

    return received


async def _respond(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    told = {**headers, "Content-Length": str(len(body))} if status != 204 else headers
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
