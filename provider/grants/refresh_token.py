"""A refresh token (RFC 6749 section 6). Whether it rotates is told by how it is spent (protocol section 5.7)."""

from __future__ import annotations

from provider import client_documents
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params
from provider.store import authorizations
from provider.store.presented import Presented


def opened(params: Params, client: ClientFacts) -> Presented:
    if client.guest:
        client_documents.attend(client)
    return authorizations.open_refresh(params.one("refresh_token"), client)
