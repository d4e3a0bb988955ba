"""Programs that call the API: with tokens of people, and of clients by themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.test import Client as Http

from clients import registration
from clients.metadata import Audience, ClientMetadata
from clients.models import Client
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.models import Project
from tests.world import ISSUER, REDIRECTS, SECRETS, App, Browser, Response

OWN = f"{ISSUER}/api/v1"
OPERATOR = Actor.operator("tests")
TOOL = "tool"  # an app of the project house, with which people manage theirs
SCOPES = "admin.read admin.write"


def register(client_id: str, project: str, **said: Any) -> Client:
    """A confidential client that may ask for the API, with a secret that App knows."""
    REDIRECTS[client_id], SECRETS[client_id] = f"https://{client_id}.example/cb", f"{client_id}-secret"
    wanted = ClientMetadata(client_id=client_id, client_name=client_id, scope=f"openid offline_access {SCOPES}")
    said = {"redirect_uris": (REDIRECTS[client_id],), "audience": (Audience(OWN, default=True),), **said}
    said.setdefault("grant_types", ("authorization_code", "refresh_token"))
    client = registration.register(wanted.changed(said), Project.objects.get(key=project), OPERATOR)
    registration.adopt_secret(client, SECRETS[client_id], OPERATOR)
    return client


def machine(client_id: str = "deployer", project: str = "house", *, administers: tuple[str, ...] = ("acme",)) -> Api:
    """A client by itself, which was given these projects."""
    register(client_id, project, grant_types=("client_credentials",), scope=SCOPES, administers=administers)
    answer = App(client_id).token(grant_type="client_credentials").json()
    return Api(str(answer["access_token"]))


def person(username: str, scope: str = f"openid {SCOPES}") -> Api:
    """Somebody by the app that manages projects; they have signed in to it."""
    if not Client.objects.filter(client_id=TOOL).exists():
        register(TOOL, "house")
    return Api(str(Browser(username).tokens(TOOL, scope=scope)["access_token"]))


def path(*steps: str) -> str:
    return "/api/v1" + "".join(f"/{quote(step, safe='')}" for step in steps)


@dataclass
class Api:
    """Whoever holds this access token."""

    token: str = ""
    http: Http = field(default_factory=Http)
    scheme: str = "Bearer"

    def ask(self, method: str, address: str, body: Any = None, **headers: str) -> Response:
        """`body`: bytes as they are, anything else as JSON."""
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if self.token:
            headers.setdefault("Authorization", f"{self.scheme} {self.token}")
        media_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        content_type = headers.pop("Content_Type", media_type)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.generic(method, address, sent, content_type=content_type, headers=named)

    def get(self, address: str, **headers: str) -> Response:
        return self.ask("GET", address, **headers)

    def put(self, address: str, body: Any, **headers: str) -> Response:
        return self.ask("PUT", address, body, **headers)

    def patch(self, address: str, body: Any, **headers: str) -> Response:
        return self.ask("PATCH", address, body, **headers)

    def post(self, address: str, body: Any = None, **headers: str) -> Response:
        return self.ask("POST", address, {} if body is None else body, **headers)

    def delete(self, address: str, **headers: str) -> Response:
        return self.ask("DELETE", address, **headers)


def kinds(*beginning: str) -> list[str]:
    """The security events there are that begin so, in their order."""
    found = SecurityEvent.objects.order_by("pk").values_list("kind", flat=True)
    return [one for one in found if one.startswith(beginning)]
