"""Sign in at the demo provider from a terminal: the authorization code flow with PKCE, standard library only.

While `make run` serves, in another terminal:

    python3 docs/examples/code_flow.py acme-web SECRET      (the secret `make run` printed)

A browser opens; sign in as `demo`, allow, and the terminal shows the claims and what userinfo says.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

ISSUER = "http://localhost:8000"
CALLBACK = "http://127.0.0.1:8765/callback"


def main(client_id: str, client_secret: str, issuer: str = ISSUER) -> None:
    try:
        provider = get(f"{issuer}/.well-known/openid-configuration")
    except URLError:
        sys.exit(f"Nobody answers at {issuer}. Start it with 'make run', or name another issuer last.")
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": encoded(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
    )
    url = f"{provider['authorization_endpoint']}?{query}"
    print(f"Opening {url}", flush=True)
    webbrowser.open(url)

    answer = wait_for_callback()
    if answer.get("state") != state or answer.get("iss") != issuer:
        sys.exit("This answer is not for our question: state or iss differ.")
    if "code" not in answer:
        sys.exit(f"Refused: {answer}")

    basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    tokens = get(provider["token_endpoint"], {"Authorization": f"Basic {basic}"}, urlencode(form).encode())
    # Straight from the provider, so its origin is proven; elsewhere check the signature with the keys at jwks_uri.
    claims = json.loads(decoded(tokens["id_token"].split(".")[1]))
    if claims["iss"] != issuer or claims["aud"] != client_id or claims["nonce"] != nonce:
        sys.exit("This ID token is not for us.")
    show("ID token", claims)
    show("userinfo", get(provider["userinfo_endpoint"], {"Authorization": f"Bearer {tokens['access_token']}"}))


def wait_for_callback() -> dict[str, str]:
    """Serve one request on loopback: the browser coming back."""
    answer: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == urlsplit(CALLBACK).path:
                answer.update((name, values[0]) for name, values in parse_qs(url.query).items())
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(b"Done. You may close this window.")

        def log_message(self, *args: Any) -> None:
            """The code is in the address: it is not written anywhere."""

    with HTTPServer(("127.0.0.1", urlsplit(CALLBACK).port or 80), Handler) as server:
        while not answer:
            server.handle_request()
    return answer


def get(url: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Any:
    try:
        with urlopen(Request(url, body, headers or {})) as response:
            return json.load(response)
    except HTTPError as refusal:
        sys.exit(f"{url} answered {refusal.code}: {refusal.read().decode(errors='replace')}")


def show(title: str, content: Any) -> None:
    print(f"\n{title}\n{json.dumps(content, indent=2)}")


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("Usage: code_flow.py CLIENT_ID CLIENT_SECRET [ISSUER]")
    main(*sys.argv[1:])
