"""A provider elsewhere that answers as a test says, on this machine: what an honest one never says, too."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

WELL_KNOWN = "/.well-known/openid-configuration"
SUB = "24400320"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class Provider:
    """Its documents by their path, what each request brought, and the claims of its next ID token."""

    def __init__(self) -> None:
        self.first_key = JWK.generate(kty="EC", crv="P-256", kid="one", use="sig", alg="ES256")
        self.origin = ""
        self.reset()

    def reset(self) -> None:
        self.key = self.first_key
        self.issuer, self.client_id = self.origin, "federation"
        self.statuses: dict[str, int] = {}
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []  # path, form, headers
        self.claims: dict[str, Any] = {}
        self.signs_with: JWK | None = None
        self.header: dict[str, Any] = {}
        self.documents: dict[str, Any] = self.honest(self.origin)

    def honest(self, origin: str) -> dict[str, Any]:
        metadata = {name: f"{origin}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        return {
            WELL_KNOWN: {
                "issuer": origin,
                **metadata,
                "userinfo_endpoint": f"{origin}/userinfo",
                "authorization_response_iss_parameter_supported": True,
            },
            "/jwks_uri": {"keys": [self.key.export_public(as_dict=True)]},
            "/userinfo": {"sub": SUB, "given_name": "Ada", "family_name": "Away"},
        }

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        said = {"iss": self.issuer, "sub": SUB, "aud": self.client_id, "exp": now + 300, "iat": now, "nonce": nonce}
        claims = {name: value for name, value in {**said, **self.claims}.items() if value is not None}
        token = JWT(header={"alg": "ES256", "kid": "one", **self.header}, claims=claims)
        token.make_signed_token(self.signs_with or self.key)
        return str(token.serialize())

    def logout_token(self, **changed: Any) -> str:
        """What it says to our server when somebody signed out there; None takes a claim away."""
        now = int(time.time())
        said = {"iss": self.issuer, "sub": SUB, "sid": "there", "aud": self.client_id, "iat": now, "exp": now + 120}
        said |= {"jti": uuid.uuid4().hex, "events": {LOGOUT: {}}, **changed}
        claims = {name: value for name, value in said.items() if value is not None}
        token = JWT(header={"alg": "ES256", "kid": "one", "typ": "logout+jwt", **self.header}, claims=claims)
        token.make_signed_token(self.signs_with or self.key)
        return str(token.serialize())

    def answer(self, path: str, form: dict[str, str]) -> Any:
        if path == "/token_endpoint" and path not in self.documents:
            # The nonce travels in the code here: a real provider keeps it.
            return {"access_token": "at", "token_type": "Bearer", "id_token": self.id_token(form["code"])}
        return self.documents.get(path)


@contextmanager
def serving() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _mark, query = self.path.partition("?")
            if path == "/authorization_endpoint":
                self.lead_back(dict(parse_qsl(query)))
            else:
                self.reply({})

        def lead_back(self, request: dict[str, str]) -> None:
            """A browser comes back at once, as who it is there."""
            said = {"code": request["nonce"], "state": request["state"], "iss": provider.issuer}
            self.send_response(302)
            self.send_header("Location", f"{request['redirect_uri']}?{urlencode(said)}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.reply(dict(parse_qsl(sent)))

        def reply(self, form: dict[str, str]) -> None:
            path = self.path.partition("?")[0]
            provider.asked.append((path, form, dict(self.headers)))
            found = provider.answer(path, form)
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(provider.statuses.get(path, 200 if found is not None else 404))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        provider.origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
