"""glewlwyd, a provider written in C, from Debian, on its own SQLite file. Set up through its REST interface."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import sqlite3
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.benchmarks.flows import CHALLENGE, FLOWS, REDIRECT_URI
from tests.benchmarks.peers import keys
from tests.benchmarks.peers.base import GOOD_FOR_ALL, Peer, Setting, new_port
from tests.benchmarks.processes import wait_for_port

SHIPPED = Path("/usr/share/doc/glewlwyd")
PLUGIN = "/api/oidc"
DAY = 86400
PERSON = ("bench", "a-password-of-the-benchmark")
CLIENTS = {"machine": ["client_credentials"], "api": ["client_credentials"], "web": ["code", "refresh_token"]}


class Rest:
    """A session at its REST interface."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies: dict[str, str] = {}
        self.send("POST", "/api/auth/", {"username": user, "password": password})

    def send(self, method: str, path: str, content: dict[str, Any] | None = None) -> http.client.HTTPResponse:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        body = None
        if content is not None:
            headers["Content-Type"], body = "application/json", json.dumps(content)
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _sign, rest = cookie.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        if response.status >= 400:
            raise SystemExit(f"glewlwyd answered {method} {path} with {response.status}: {text[:300]!r}")
        return response


class Glewlwyd(Peer):
    name = "glewlwyd"
    title = "glewlwyd, SQLite"
    programs = {"glewlwyd": "glewlwyd"}
    flows = tuple(key for key in FLOWS if key not in ("jwt", "kept", "device", "exchange", "dpop", "private_key_jwt"))
    wanted = {"refresh": '"refresh_token"'}  # it signs no new ID token then; its access token is signed, by RS256
    paths = {
        "token": f"{PLUGIN}/token",
        "introspect": f"{PLUGIN}/introspect",
        "userinfo": f"{PLUGIN}/userinfo",
        "jwks": f"{PLUGIN}/jwks",
    }

    def start(self, setting: Setting) -> None:
        home = Path(setting.stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-glewlwyd-")))
        self.port = new_port()
        self.paths = {**self.paths, "jwks": "/config"}  # until its OIDC plugin is there
        self.serve(setting, ["glewlwyd", f"--config-file={_configured(home, self.port)}"], {}, self.port)
        wait_for_port(self.port)
        self.paths = type(self).paths
        _set_up(Rest(self.port, "admin", "password"), self.port)
        Rest(self.port, *PERSON).send("PUT", "/api/auth/grant/bench-web", {"scope": "openid read"})

    def codes(self, role: str, count: int) -> list[str]:
        person = Rest(self.port, *PERSON)
        request = {
            "response_type": "code",
            "client_id": f"bench-{role}",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid read",
            "state": "bench",
            "nonce": "bench",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "g_continue": "",
        }
        path = f"{PLUGIN}/auth?{urlencode(request)}"
        return [_code(person.send("GET", path).headers.get("Location", "")) for _ in range(count)]


def _code(location: str) -> str:
    found = parse_qs(urlsplit(location).query).get("code")
    if not found:
        raise SystemExit(f"glewlwyd gave no code: {location}")
    return found[0]


def _configured(home: Path, port: int) -> Path:
    """Its sample configuration and tables, on loopback and in a directory of this run."""
    database = home / "glewlwyd.db"
    with sqlite3.connect(database) as connection:
        connection.executescript(gzip.decompress((SHIPPED / "database" / "init.sqlite3.sql.gz").read_bytes()).decode())
    text = gzip.decompress((SHIPPED / "glewlwyd.conf.sample.gz").read_bytes()).decode()
    own = {
        "port": str(port),
        "bind_address": '"127.0.0.1"',
        "external_url": f'"http://127.0.0.1:{port}"',
        "cookie_domain": '"127.0.0.1"',
        "cookie_secure": "0",
        "log_level": '"ERROR"',
    }
    for name in own:
        text = re.sub(rf"(?m)^#?\s*{name}\s*=.*$", "", text)
    text = re.sub(r'path\s*=\s*"[^"]*\.db"', f'path = "{database}"', text)
    path = home / "glewlwyd.conf"
    path.write_text("".join(f"{name}={value}\n" for name, value in own.items()) + text)
    return path


def _set_up(admin: Rest, port: int) -> None:
    pair = keys.private_keys()["RS256"]
    scope = {"name": "read", "display_name": "read", "password_required": False, "scheme": {}}
    admin.send("POST", "/api/scope/", scope)
    switches = {
        **dict.fromkeys(("code", "id-token", "client", "refresh"), True),
        **dict.fromkeys(("token", "password", "device", "none"), False),
    }
    parameters = {
        "iss": f"http://127.0.0.1:{port}{PLUGIN}",
        "jwt-type": "rsa",
        "jwt-key-size": "256",
        "key": pair.read_text(),
        "cert": pair.with_suffix(".pub").read_text(),
        "access-token-duration": 3600,
        "code-duration": 3600,
        "refresh-token-duration": DAY,
        "refresh-token-rolling": False,
        "refresh-token-one-use": "always",
        **{f"auth-type-{name}-enabled": value for name, value in switches.items()},
        "allow-non-oidc": True,
        "jwks-show": True,
        "subject-type": "public",
        "pkce-allowed": True,
        "pkce-required": True,
        "pkce-method-plain-allowed": False,
        "introspection-revocation-allowed": True,
        "introspection-revocation-allow-target-client": True,
        "introspection-revocation-auth-scope": ["read"],
        "request-parameter-allow": False,
        **{name: [] for name in ("scope", "additional-parameters", "claims")},
    }
    plugin = {"module": "oidc", "name": "oidc", "display_name": "oidc", "order_rank": 0, "readonly": False}
    admin.send("POST", "/api/mod/plugin/", {**plugin, "parameters": parameters})
    for role, grants in CLIENTS.items():
        client = {
            "client_id": f"bench-{role}",
            "client_secret": GOOD_FOR_ALL,
            "name": role,
            "enabled": True,
            "confidential": True,
            "scope": ["read"],
            "redirect_uri": [REDIRECT_URI],
            "authorization_type": grants,
            "token_endpoint_auth_method": ["client_secret_basic"],
        }
        admin.send("POST", "/api/client/", client)
    username, password = PERSON
    admin.send(
        "POST",
        "/api/user/",
        {"username": username, "password": password, "enabled": True, "scope": ["openid", "read", "g_profile"]},
    )
