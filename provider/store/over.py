"""What is kept of tokens and codes, whether it is over or not: for whoever explains it. Nothing is used up."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from clients.models import AccessToken, DeviceGrant
from provider.protocol.device import State
from provider.store import statements
from provider.store.statements import Access, AuthorizationRow


class Device(NamedTuple):
    """A device, and what its person allowed it."""

    client_id: int  # the row
    created: datetime
    expires: datetime
    state: State
    used_at: datetime | None
    authorization: AuthorizationRow | None


def access_token(digest: str) -> tuple[Access, datetime | None] | None:
    """An opaque one, and when it was revoked."""
    row = AccessToken.objects.filter(digest=digest).first()
    if row is None:
        return None
    behind = statements.authorization(row.authorization_id) if row.authorization_id else None
    of_client = (row.application_id, row.created, row.expires)
    return Access(*of_client, row.scope, row.resource, row.cnf, row.actors, row.came_from, behind), row.revoked_at


def device_code(digest: str) -> Device | None:
    """The endpoint's own statement notes that a device asked."""
    row = DeviceGrant.objects.filter(digest=digest).first()
    if row is None:
        return None
    behind = statements.authorization(row.authorization_id) if row.authorization_id else None
    return Device(row.client_id, row.created, row.expires, State(row.status), row.used_at, behind)
