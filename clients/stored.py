"""What clients are now, as metadata: the row, and what it lists of other tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clients.metadata import EVERY_PROJECT, Audience, ClientMetadata
from clients.models import Client
from projects import admission
from projects.sign_in import LetIn


def metadata_of(client: Client, let_in: LetIn | None = None) -> ClientMetadata:
    """What a client is now. `let_in`: for whoever has read that already."""
    return replace(
        client.columns,
        client_type=None,  # as the authentication method says
        held=client.held,
        audience=tuple(Audience(row.value, row.mode, row.default) for row in client.audience_entries.all()),
        introspects=tuple(other.client_id for other in client.introspects.all()),
        allowed_callers=tuple(other.client_id for other in client.allowed_callers.all()),
        acts_for=tuple(api.identifier for api in client.acts_for.all()),
        administers=_administered(client),
        sign_in=admission.let_in(client) if let_in is None else let_in,
    )


def metadata_of_all(clients: Sequence[Client]) -> list[ClientMetadata]:
    """The same of several, whose lists were read with them."""
    return [metadata_of(*one) for one in zip(clients, admission.let_in_all(clients), strict=True)]


def _administered(client: Client) -> tuple[str, ...]:
    if client.administers_all:
        return (EVERY_PROJECT,)
    return tuple(sorted(project.key for project in client.administers.all()))
