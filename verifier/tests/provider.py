"""A provider of the tests' own on this machine, that answers as it is told, and the tokens it or a forger makes."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from jwcrypto import jwk
from jwcrypto.jwa import JWA

ORDERS = "https://api.acme.example/orders"
KEYS, DISCOVERY, INTROSPECT = "/keys", "/.well-known/openid-configuration", "/introspect"
Json = dict[str, Any]


@lru_cache(maxsize=16)
def key(name: str) -> jwk.JWK:
    """A signing key, whose name begins with its kind. The `kid` is the name."""
    if algorithm_of(name) in ("RS256", "PS256"):
        return jwk.JWK(generate="RSA", size=2048, kid=name)
    if algorithm_of(name) == "EdDSA":
        return jwk.JWK(generate="OKP", crv="Ed25519", kid=name)
    return jwk.JWK(generate="EC", crv="P-256", kid=name)


def algorithm_of(name: str) -> str:
    return {"rsa": "RS256", "ps": "PS256", "ed": "EdDSA"}.get(name.partition("-")[0], "ES256")


def public(name: str, **more: Any) -> Json:
    """Its entry in a JWKS."""
    return {**key(name).export_public(as_dict=True), "use": "sig", "alg": algorithm_of(name), **more}


def encoded(data: bytes | Json) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def compact(header: Json, claims: bytes | Json, signature: Callable[[bytes], bytes]) -> str:
    """A compact JWS of anything."""
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{encoded(signature(text.encode()))}"


def signature(algorithm: str, by: jwk.JWK) -> Callable[[bytes], bytes]:
    return lambda data: bytes(JWA.signing_alg(algorithm).sign(by, data))


def signed(claims: bytes | Json, name: str = "ec-1", **header: Any) -> str:
    """A JWT access token by one of the keys; header fields override, None leaves one out."""
    algorithm = algorithm_of(name)
    fields = {"alg": algorithm, "kid": name, "typ": "at+jwt", **header}
    return compact({n: v for n, v in fields.items() if v is not None}, claims, signature(algorithm, key(name)))


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class TestProvider:
    """Serves documents by path. `status`, `headers` and raw `bodies` change what it answers there."""

    __test__ = False

    documents: dict[str, Json] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.reset()

    def reset(self) -> None:
        for state in (self.documents, self.bodies, self.status, self.headers, self.requests):
            state.clear()
        self.gate.set()
        self.documents[DISCOVERY] = {
            "issuer": self.issuer,
            "jwks_uri": self.issuer + KEYS,
            "introspection_endpoint": self.issuer + INTROSPECT,
        }
        self.publish("ec-1", "rsa-1")
        self.documents[INTROSPECT] = {"active": False}

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def publish(self, *names: str) -> None:
        self.documents[KEYS] = {"keys": [public(name) for name in names]}

    def fail(self, path: str, status: int = 500) -> None:
        self.status[path] = status

    def asked(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    def access_claims(self, **changes: Any) -> Json:
        """The claims of a person's good access token; None leaves one out."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "9b2f2f9a-person",
            "aud": ORDERS,
            "client_id": "web",
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "jti": "a-token",
            "scope": "openid orders.read",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def id_claims(self, **changes: Any) -> Json:
        """The claims of a good ID token for `orders-api`, which the app `web` got."""
        mine = {"aud": "orders-api", "azp": "web", "client_id": None, "scope": None, "nbf": None}
        return self.access_claims(**{**mine, **changes})

    def active(self, **changes: Any) -> None:
        """Let the introspection endpoint call every token active."""
        self.documents[INTROSPECT] = {"active": True, "token_type": "Bearer", **self.access_claims(**changes)}


def _handler(provider: TestProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._serve(dict(parse_qsl(body, keep_blank_values=True)))

        def _serve(self, form: dict[str, str]) -> None:
            path = self.path
            provider.requests.append(Request(self.command, path, dict(self.headers.items()), form))
            provider.gate.wait(10)
            known = path in provider.documents or path in provider.bodies
            body = provider.bodies.get(path, json.dumps(provider.documents.get(path, {})).encode())
            self.send_response(provider.status.get(path, 200 if known else 404))
            for name, value in provider.headers.get(path, {}).items():
                self.send_header(name, value)
            with contextlib.suppress(ConnectionError):  # a client that had enough
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """A test's output is the test's."""

    return Handler


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
