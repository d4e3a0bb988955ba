"""A developer's server on this machine that has the metadata document of their app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from common.json_type import Json
from provider import fetched_documents
from provider.fetched_documents import FetchedDocuments
from tests.provider.key_server import KeyServer, serving_keys

CALLBACK = "http://127.0.0.1/callback"


def publish(server: KeyServer, **members: Json) -> None:
    """From now on this is the document: what every one has, with these members in place of its own. None: left out."""
    whole = {"client_id": server.url, "client_name": "Agent", "redirect_uris": [CALLBACK], **members}
    server.body = json.dumps({name: value for name, value in whole.items() if value is not None}).encode()
    server.status, server.headers["Content-Type"] = 200, "application/json"


def grown_old(documents: FetchedDocuments = fetched_documents.shared) -> None:
    """As if the time had passed for which what was read counts: no test waits for it, nor is slower than it."""
    for kept in documents._kept.values():
        kept.fresh_until = 0.0


@contextmanager
def taking_documents(settings: Any) -> Iterator[KeyServer]:
    """A deployment on this machine that takes such clients, and one of them."""
    settings.IS_LOCAL = settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = settings.IDP_LOOPBACK_CLIENT_DOCUMENTS = True
    fetched_documents.shared.clear()
    with serving_document() as server:
        yield server
    fetched_documents.shared.clear()


@contextmanager
def serving_document(**members: Json) -> Iterator[KeyServer]:
    with serving_keys() as server:
        server.url = server.url.replace("jwks.json", "client.json")
        publish(server, **members)
        yield server
