"""What is kept of tokens and codes, whether it is over or not: for whoever explains it. Nothing is used up."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from clients.models import AccessToken, DeviceGrant
from provider.protocol.device import State
from provider.store import statements
from provider.store.statements import Access, AuthorizationRow


class Opaque(NamedTuple):
    """An access token, and what ended it apart from all that stands behind it."""

    row: Access
    revoked_at: datetime | None
    left_behind: bool  # the Authorization that it hung from is gone


class Device(NamedTuple):
    """A device, and what its person allowed it."""

    client_id: int  # the row
    created: datetime
    expires: datetime
    state: State
    used_at: datetime | None
    authorization: AuthorizationRow | None


def access_token(digest: str) -> Opaque | None:
    row = AccessToken.objects.filter(digest=digest).first()
    if row is None:
        return None
    behind = statements.authorization(row.authorization_id) if row.authorization_id else None
    access = Access(
        client_id=row.application_id,
        created=row.created,
        expires=row.expires,
        scope=row.scope,
        audience=row.resource,
        cnf=row.cnf,
        actors=row.actors,
        came_from=row.came_from,
        authorization=behind,
    )
    return Opaque(access, row.revoked_at, row.authorization_id is not None and behind is None)


def device_code(digest: str) -> Device | None:
    """The endpoint's own statement notes that a device asked."""
    row = DeviceGrant.objects.filter(digest=digest).first()
    if row is None:
        return None
    behind = statements.authorization(row.authorization_id) if row.authorization_id else None
    return Device(row.client_id, row.created, row.expires, State(row.status), row.used_at, behind)
