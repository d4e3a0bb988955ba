"""A consent page of a project's own, standard library only (docs/integrate.md, "A consent page of your own").

    ISSUER=http://localhost:8000 CLIENT_ID=consent-page CLIENT_SECRET=... python3 docs/examples/consent_page.py 8770

The provider sends people here with a `consent_challenge`. The page reads what was asked, people answer, and the browser
goes on to where the provider says. The client of this page has the scopes admin.read and admin.write, the audience
ISSUER/api/v1 and `administers: [the project]`.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterable
from html import escape
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, quote, urlencode
from urllib.request import Request, urlopen
from wsgiref.simple_server import make_server

ISSUER = os.environ.get("ISSUER", "http://localhost:8000")
API = f"{ISSUER}/api/v1"
HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),  # nobody clicks it unseen
    ("Referrer-Policy", "no-referrer"),  # the challenge is in the address
]


def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """GET asks, POST answers. Who does not know the challenge cannot answer for anybody."""
    try:
        if environ["REQUEST_METHOD"] == "POST":
            form = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
            start("303 See Other", [*HEADERS, ("Location", answered(parse_qs(form)))])
            return [b""]
        challenge = parse_qs(environ.get("QUERY_STRING", "")).get("consent_challenge", [""])[0]
        page = asked(challenge, api("GET", challenge))
    except HTTPError as error:
        problem = json.load(error)
        start(f"{error.code} Refused", HEADERS)
        return [f"<h1>This does not work any more</h1><p>{escape(problem['detail'])}".encode()]
    start("200 OK", HEADERS)
    return [page.encode()]


def asked(challenge: str, request: dict[str, Any]) -> str:
    """The page. Whatever the request says is somebody else's text."""

    def box(name: str, value: str) -> str:
        return (
            f'<p><label><input type="checkbox" name="{name}" value="{escape(value)}" checked> {escape(value)}</label>'
        )

    scopes = [one for one in request["requested_scope"] if one != "openid"]
    boxes = [box("scope", one) for one in scopes]
    boxes += [box("audience", one) for one in request["requested_access_token_audience"]]
    return f"""<!doctype html><html lang="en"><title>Allow access?</title>
<h1>{escape(request["client"]["client_name"])} asks for access</h1>
<p>Signed in as {escape(request["username"])}.</p>
<form method="post"><input type="hidden" name="challenge" value="{escape(challenge)}">
{"".join(boxes)}
<p><button name="decision" value="accept">Allow</button>
<button name="decision" value="reject">Deny</button></p></form>"""


def answered(form: dict[str, list[str]]) -> str:
    """Where the browser goes on."""
    challenge, body = form["challenge"][0], {}
    decision = "accept" if form.get("decision") == ["accept"] else "reject"
    if decision == "accept":
        openid = [one for one in api("GET", challenge)["requested_scope"] if one == "openid"]
        body = {
            "grant_scope": openid + form.get("scope", []),
            "grant_access_token_audience": form.get("audience", []),
        }
    return str(api("POST", challenge, f"/{decision}", body)["redirect_to"])


def api(method: str, challenge: str, action: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the provider says of this challenge."""
    url = f"{API}/consent-requests/{quote(challenge, safe='')}{action}"
    headers = {"Authorization": f"Bearer {access_token()}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return got(Request(url, data, headers, method=method))


def access_token() -> str:
    """By client credentials. A real page keeps it for as long as `expires_in` says."""
    secret = base64.b64encode(f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}".encode()).decode()
    form = {"grant_type": "client_credentials", "resource": API, "scope": "admin.read admin.write"}
    request = Request(f"{ISSUER}/oauth2/token", urlencode(form).encode(), {"Authorization": f"Basic {secret}"})
    return str(got(request)["access_token"])


def got(request: Request) -> dict[str, Any]:
    with urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
