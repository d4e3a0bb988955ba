"""Guest apps, as projects let them in: by the APIs they ask for, and by what people allowed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clients.models import Client
from projects.apis import apis_near, terms_of
from provider import client_documents
from provider.protocol import guests
from provider.protocol.facts import ClientFacts
from provider.store.statements import AuthorizationRow


def asking_for(client: ClientFacts, named: Sequence[str]) -> ClientFacts:
    """The client at the project whose APIs it names, all of one; itself where no project lets it in."""
    if not client.guest:
        return client
    near = apis_near(named)
    apis = [near.resolve(one) for one in named]
    owners = {api.project_id for api in apis if api is not None}
    terms = terms_of(min(owners)) if len(owners) == 1 and None not in apis else None
    inside = guests.bound(client, terms, filter(None, apis)) if terms is not None else None
    return inside or client


def standing_in(client: ClientFacts, behind: AuthorizationRow) -> ClientFacts | None:
    """A guest at the project that let it in, as that project stands now; None: it is let in no longer.

    What was closed to guests since, for a while even, is closed to what they were allowed before.
    """
    terms = terms_of(behind.project_id) if behind.project_id is not None else None
    if terms is None or behind.client_id != client.id:
        return None
    near = apis_near(behind.audiences)
    found = (api for one in behind.audiences if (api := near.resolve(one)) is not None)
    lasting = (one for one in found if one.guests_not_before is None or one.guests_not_before <= behind.created_at)
    return guests.bound(client, terms, lasting)


def row_of(client: ClientFacts) -> ClientFacts | None:
    """The guest where it was let in, with its row, now that somebody allows it something.

    None: it is gone, for nobody had for too long, or it is not what it was. The row stays until the transaction ends.
    """
    known = client_documents.row_of(client)
    rows = Client.objects.select_for_update(of=("self",), no_key=True).filter(pk=known.id, project__isnull=True)
    same = rows.exists() and guests.digest(known) == guests.digest(client)
    return replace(client, id=known.id) if same else None
