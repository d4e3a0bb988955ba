"""Secrets of clients in an exported file: none, references to them, or their hashes. Nobody has them in clear."""

from __future__ import annotations

import re
from enum import StrEnum

from clients.models import Client, ClientSecret
from common import clock
from common.json_type import Json
from idp.configuration.secret_values import LABEL
from projects.json_shape import as_json

_NO_NAME = re.compile(r"[^A-Za-z0-9]+")


class SecretsAs(StrEnum):
    LEFT_OUT = "none"
    VARIABLES = "env"
    FILES = "file"
    HASHES = "hash"


class References:
    """Names for secrets: of each client its own, and the same ones each time."""

    def __init__(self, kind: SecretsAs, directory: str) -> None:
        self.kind = kind
        self._directory = directory.rstrip("/")
        self._taken: set[str] = set()
        self.named: list[str] = []

    def to(self, client_id: str, number: str) -> str:
        name = _name(client_id, f"SECRET{number}")
        variable, again = name, 2
        while variable in self._taken:
            variable, again = f"{name}_{again}", again + 1
        self._taken.add(variable)
        where = f"env:{variable}" if self.kind is SecretsAs.VARIABLES else f"file:{self._directory}/{variable.lower()}"
        self.named.append(where.partition(":")[2])
        return where


def _name(client_id: str, suffix: str) -> str:
    word = _NO_NAME.sub("_", client_id).strip("_").upper()
    return f"{'_' if word[:1].isdigit() else ''}{word or 'CLIENT'}_{suffix}"


def secrets_of(client: Client, references: References) -> dict[str, Json]:
    """Keys of the client. One secret has the short form, and what a file did not set says what people call it."""
    live = [row for row in client.secrets.all() if row.slot is not None and not _expired(row)]
    if references.kind is SecretsAs.LEFT_OUT or not client.uses_secrets or not live:
        return {}
    if len(live) == 1 and live[0].label == LABEL and live[0].expires_at is None:
        way, said = _said(client, live[0], "", references)
        return {f"client_{way}": said}
    entries: list[Json] = []
    for row in live:
        way, said = _said(client, row, f"_{row.slot}" if len(live) > 1 else "", references)
        entries.append({way: said, "label": row.label, "expires_at": as_json(row.expires_at)})
    return {"client_secrets": entries}


def _said(client: Client, row: ClientSecret, number: str, references: References) -> tuple[str, str]:
    if references.kind is SecretsAs.HASHES:
        return "secret_hash", row.digest
    return "secret_from", references.to(client.client_id, number)


def _expired(row: ClientSecret) -> bool:
    return row.expires_at is not None and row.expires_at <= clock.now()
