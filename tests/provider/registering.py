"""An app that registers itself, as it speaks to the registration endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client as Http

from clients import initial_tokens
from clients.initial_tokens import Wanted
from projects.actors import Actor
from projects.models import Project
from tests.world import Response

REGISTER = "/oauth2/register"
CALLBACK = "https://new.example/cb"
WEB = {"client_name": "New app", "redirect_uris": [CALLBACK]}
ROOT = Actor.operator("test")


def initial_token(project: str = "acme", **said: Any) -> str:
    """A new one, which works ten times unless `most` says otherwise."""
    wanted = Wanted(**{"most": 10, **said})
    return initial_tokens.make(wanted, Project.objects.get(key=project), ROOT)[1]


@dataclass
class Registrar:
    """Somebody with an initial access token; or without, as a guest."""

    token: str = ""
    http: Http = field(default_factory=Http)

    def register(self, values: Any = WEB, **extra: Any) -> Response:
        return self.send("post", REGISTER, values, self.token, **extra)

    def made(self, values: Any = WEB) -> dict[str, Any]:
        """The answer to what is not refused."""
        answer = self.register(values)
        assert answer.status_code == 201, answer.content
        found: dict[str, Any] = answer.json()
        return found

    def send(self, method: str, path: str, values: Any = None, token: str = "", **extra: Any) -> Response:
        extra = {"content_type": "application/json", **extra}
        if token:
            extra.setdefault("HTTP_AUTHORIZATION", f"Bearer {token}")
        body = values if isinstance(values, (str, bytes)) else json.dumps(values)
        sent = {} if values is None else {"data": body}
        response: Response = getattr(self.http, method)(path, **sent, **extra)
        return response

    def change(self, of: dict[str, Any], values: Any) -> Response:
        """With the id that it has, unless the values say another."""
        wanted = {"client_id": of["client_id"], **values} if isinstance(values, dict) else values
        return self.send("put", place_of(of), wanted, of["registration_access_token"])

    def look(self, at: dict[str, Any], token: str = "") -> Response:
        return self.send("get", place_of(at), token=token or at["registration_access_token"])

    def delete(self, one: dict[str, Any]) -> Response:
        return self.send("delete", place_of(one), token=one["registration_access_token"])


def place_of(one: dict[str, Any]) -> str:
    return f"{REGISTER}/{one['client_id']}"


def refusal(response: Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]
