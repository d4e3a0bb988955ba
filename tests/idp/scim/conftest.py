"""A client that brings people and groups, by a token of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client as Http

from tests.idp.api.caller import register
from tests.idp.api.conftest import staff as staff
from tests.world import App, Response

BASE = "/scim/v2"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@dataclass
class Scim:
    """Whoever holds this access token."""

    token: str = ""
    http: Http = field(default_factory=Http)

    def ask(self, method: str, address: str, body: Any = None, **headers: str) -> Response:
        """`body`: bytes as they are, anything else as JSON."""
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        kind = named.pop("Content-Type", "application/scim+json")
        return self.http.generic(method, BASE + address, sent, content_type=kind, headers=named)

    def get(self, address: str, **headers: str) -> Response:
        return self.ask("GET", address, **headers)

    def make(self, kind: str, **said: Any) -> dict[str, Any]:
        answer = self.ask("POST", f"/{kind}", said)
        assert answer.status_code == 201, answer.content
        made: dict[str, Any] = answer.json()
        return made

    def patch(self, address: str, *operations: Any, **headers: str) -> Response:
        return self.ask("PATCH", address, {"schemas": [PATCH], "Operations": operations}, **headers)


def provisioner(client_id: str = "directory") -> Scim:
    register(client_id, "house", grant_types=("client_credentials",), scope="scim.manage")
    return Scim(str(App(client_id).token(grant_type="client_credentials").json()["access_token"]))


@pytest.fixture
def scim(world: None) -> Scim:
    return provisioner()
