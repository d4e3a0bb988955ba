"""Clients whose id is the address of their document: what they are, with a row of the registry or without one.

Nobody registers such a client. Its document says what it is, and is read before anybody signs in; its row is made when
a person allowed it something, and follows the document from then on. Requests for tokens never wait for a document:
they know the row, and look at what was read beside them. Rules C10, C11, C13, C14 and C15.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction

from clients import guest_registration, guests, registration
from clients.models import Client
from clients.policy import metadata_of
from common import cache, client_url, clock
from projects.actors import Actor
from projects.apis import apis_near
from projects.problems import RegistrationError
from provider import document_rules, facts, fetched_documents
from provider.document_rules import is_one
from provider.fetched_documents import Unavailable
from provider.protocol.client_document import Document
from provider.protocol.errors import InvalidGrant, InvalidRequest
from provider.protocol.facts import ClientFacts

WITHOUT = timedelta(days=7)  # for which refresh tokens work on after the document is gone
GRACE = 60.0  # seconds, for a request that is under way while its document gets too old
NO_ROW = 0
NEVER = datetime.min.replace(tzinfo=UTC)


def arrive(client_id: str, address: str) -> None:
    """Read the document of this client, if it has one, before anything is decided. Raises Unavailable.

    A client that an operator registered needs none: its row says what it may, and its keys are read when they are used.
    """
    if not is_one(client_id):
        return
    row = facts.find_client(client_id)
    if row is None or row.guest:
        if apis_near([client_id]).resolve(client_id) is not None:
            raise Unavailable(client_id, "It is the address of an API, and an app is none.", rule="C16")
        document = fetched_documents.shared.find(client_id, address, known=row is not None)
        if row is not None:
            _follow(row, document)


def find_client(client_id: str) -> ClientFacts | None:
    """One client that may begin something new, enabled or not: by its row, or by a document that was read just now."""
    row = facts.find_client(client_id)
    if row is None:
        return facts_of(client_id)
    return row if not (row.guest and client_url.is_address(client_id)) or document_rules.offered() else None


def facts_of(client_id: str) -> ClientFacts | None:
    """What the document of this client says, as this process has it in hand. Nothing is fetched."""
    document = fetched_documents.shared.at_hand(client_id, GRACE) if is_one(client_id) else None
    return _facts(document) if document is not None else None


def _facts(document: Document) -> ClientFacts:
    client = Client(project=None, registration_source=guests.CIMD)
    client.take(guests.as_guest(document_rules.metadata_of(document)))
    return replace(facts.client_facts(client), id=NO_ROW)


def row_of(client: ClientFacts) -> ClientFacts:
    """The same with a row, now that somebody allowed it something (rule C15). In the caller's transaction."""
    if client.id != NO_ROW:
        return client
    document = fetched_documents.shared.at_hand(client.client_id, GRACE)
    if document is None:
        raise InvalidRequest("The document of this client was read too long ago. Begin again.")
    try:
        with transaction.atomic():
            said, itself = document_rules.metadata_of(document), Actor.itself(client.client_id)
            row = guest_registration.register_guest(said, itself, guests.CIMD)
            row.document_read_at = datetime.fromtimestamp(document.read_at, UTC)
            row.save(update_fields=["document_read_at"])
    except (IntegrityError, RegistrationError):
        pass  # somebody else allowed it something in this very moment
    found = facts.find_client(client.client_id)
    if found is None or not found.guest:
        raise InvalidRequest("This client cannot be taken in.")
    return found


def _follow(row: ClientFacts, document: Document) -> None:
    """Make the row what the document says now. What people did not see is theirs to allow again (rule C10).

    Another process may have read a newer one, and this one remember what stood there before.
    """
    read_at = datetime.fromtimestamp(document.read_at, UTC)
    if _told(_facts(document), row) != row and read_at > (row.document_read_at or NEVER):
        _write(document, read_at)
    if row.document_gone_since is not None and read_at > row.document_gone_since:
        guest_registration.note_document(row.client_id, gone_since=None)


def _told(said: ClientFacts, row: ClientFacts) -> ClientFacts:
    """What the document says, and what is not for it to say."""
    names = ("id", "enabled", "tokens_not_before", "document_gone_since", "document_read_at")
    return replace(said, **{name: getattr(row, name) for name in names})


def _write(document: Document, read_at: datetime) -> None:
    with transaction.atomic():
        client = registration.locked([document.client_id]).get(document.client_id)
        if client is None or not client.guest or read_at <= (client.document_read_at or NEVER):
            return
        before = metadata_of(client)
        kept = {name: getattr(before, name) for name in ("enabled", "held", "tokens_not_before")}
        said = replace(document_rules.metadata_of(document), **kept)
        registration.change_locked(client, said, Actor.itself(client.client_id))
        client.document_read_at = read_at
        client.save(update_fields=["document_read_at"])
    cache.renew()  # this very request goes by what the row says now


# --- Requests for tokens -------------------------------------------------------------------------------------------


def attend(client: ClientFacts) -> None:
    """Before a refresh: whether the document is what it was. Raises InvalidGrant; never waits for it (rule C11)."""
    if not client_url.is_address(client.client_id):
        return
    if not document_rules.offered():
        raise InvalidGrant("Clients with a document are not served here any more.")
    document, failed = fetched_documents.shared.look_again(client.client_id)
    if document is not None:
        _follow(client, document)
        found = facts.find_client(client.client_id)
        if found is None or found.tokens_not_before != client.tokens_not_before:
            raise InvalidGrant("The document of this client changed: the person is asked anew.")
    since = client.document_gone_since
    if document is None and failed and since is None:
        guest_registration.note_document(client.client_id, gone_since=clock.now())
    elif document is None and since is not None and clock.now() - since > WITHOUT:
        raise InvalidGrant("The document of this client is gone.")
