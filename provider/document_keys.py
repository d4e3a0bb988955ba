"""Keys that a document says: of a client that an operator registered by its address (rule C13), and of guests (C4)."""

from __future__ import annotations

from urllib.parse import urlsplit

from clients.models import Authorization
from common import client_url, counters, outbound
from common.counters import Limit
from common.json_type import Json
from provider import fetched_documents
from provider.document_rules import is_one, read
from provider.fetched_keys import FetchedKeys, Name
from provider.protocol.facts import ClientFacts

PER_HOST = Limit("client-keys-host", 30, 60)
IN_ALL = Limit("client-keys", 120, 60)


class KeysOfDocuments(FetchedKeys):
    """By the address of a document instead of a key set."""

    def key_set(self, address: str) -> Json:
        try:
            document = read(address, fetched_documents.fetch(address, for_strangers=False)[0])
        except client_url.Unacceptable as error:
            raise outbound.Unreachable(str(error), connected=True) from None
        return super().key_set(document.jwks_uri) if document.jwks_uri else document.jwks or {"keys": []}


def _may_ask(name: Name) -> bool:
    """Anybody could have written the address of a guest that nobody ever let in, whether it has a row or not."""
    row_id, address = name
    return _was_let_in(row_id) or _is_within_limits(urlsplit(address).hostname or "")


def _was_let_in(row_id: int) -> bool:
    """Whether a person allowed it something. Asked at most once a minute for a guest."""
    return row_id != 0 and Authorization.objects.filter(client=row_id).exists()


def _is_within_limits(host: str) -> bool:
    """Those of documents, counted apart: whoever makes us ask for keys leaves others their documents."""
    if counters.is_reached(fetched_documents.IN_ALL):
        return False
    return counters.count(PER_HOST, host) <= PER_HOST.amount and counters.count(IN_ALL) <= IN_ALL.amount


registered = KeysOfDocuments()
of_guests = FetchedKeys(
    _may_ask, for_strangers=True
)  # with threads and memory of its own: no stranger takes those of other clients


def are_in_document(client: ClientFacts) -> bool:
    """Whether the registry says nothing of its keys because its document does."""
    return not client.guest and is_one(client.client_id)
