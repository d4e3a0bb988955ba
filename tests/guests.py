"""A guest app, and a project that lets it in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from clients import guests
from clients.guest_registration import register_guest
from clients.metadata import ClientMetadata
from clients.models import Client
from projects import api_registration, registration
from projects.actors import Actor
from projects.models import Api, Project
from provider import client_documents
from tests.world import ORDERS, REDIRECTS

OPERATOR = Actor.operator("test")
DOCUMENT = "https://agent.example/client.json"
AGENT_CB = "https://agent.example/cb"
LOOPBACK_CB = "http://127.0.0.1:33418/cb"
AGENT = ClientMetadata(
    client_id=DOCUMENT,
    client_name="Agent of all trades",
    token_endpoint_auth_method="none",
    grant_types=("authorization_code", "refresh_token"),
    redirect_uris=(AGENT_CB, "http://127.0.0.1/cb"),
)


def open_door(key: str = "acme", **said: Any) -> None:
    """What the project says of guests; any may come in unless it says otherwise."""
    project = Project.objects.get(key=key)
    wanted = replace(registration.metadata_of(project), **{"guest_apps": "any", **said})
    registration.change(project, wanted, OPERATOR)


def open_scopes(*names: str, api: str = ORDERS) -> None:
    """Of this API exactly these are open to guests."""
    row = Api.objects.get(identifier=api)
    before = api_registration.metadata_of(row)
    scopes = tuple(replace(scope, guests=scope.name in names) for scope in before.scopes)
    api_registration.change(row, replace(before, scopes=scopes), OPERATOR)


def make_guest(source: str = guests.CIMD, **said: Any) -> Client:
    wanted = replace(AGENT, **{"client_id": DOCUMENT if source == guests.CIMD else "", **said})
    return register_guest(wanted, Actor.itself(wanted.client_id), source)


@pytest.fixture
def agent(world: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A guest whose document stands at agent.example, and Acme lets it in for reading orders. Nobody reads it again."""
    settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = True
    for reads in ("arrive", "attend"):
        monkeypatch.setattr(client_documents, reads, lambda *_of: None)
    open_door()
    open_scopes("orders.read")
    made = make_guest()
    REDIRECTS[made.client_id] = AGENT_CB
    yield made
    del REDIRECTS[made.client_id]
