"""The one JSON of a connector: the configuration file and the HTTP API read and show it. Its secret is never shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from common.json_type import Json
from projects.json_shape import Members, Spot, Wrong, as_json, choice, flag, read_members, scope, text, texts
from projects.problems import Problem
from projects.upstream.choices import Kind
from projects.upstream.metadata import ConnectorMetadata

MAX_POSITION = 32_767


def _position(spot: Spot) -> int:
    if isinstance(spot.value, bool) or not isinstance(spot.value, int) or not 0 <= spot.value <= MAX_POSITION:
        raise Wrong(f"This must be a whole number from 0 to {MAX_POSITION}.")
    return spot.value


def _mapping(spot: Spot) -> dict[str, str]:
    if not isinstance(spot.value, Mapping):
        raise Wrong(f"This must be a mapping of names and texts, not {spot.kind}.")
    found: dict[str, str] = {}
    for name, value in spot.value.items():
        inside = spot.at(str(name), value)
        try:
            found[text(Spot(str(name)))] = text(inside)
        except Wrong as error:
            inside.tell(error)
    return found


CONNECTOR: Members = {
    "id": text,
    "name": text,
    "kind": choice(Kind.values),
    "project": text,
    "enabled": flag,
    "position": _position,
    "issuer": text,
    "tenant": text,
    "client_id": text,
    "scope": scope,
    "metadata_uri": text,
    "metadata": text,
    "search_base": text,
    "search_filter": text,
    "domains": texts,
    "owns_domains": texts,
    "creates_people": flag,
    "trusts_email": flag,
    "trusts_mfa": flag,
    "mfa_acr_values": texts,
    "attributes": _mapping,
    "groups_claim": text,
    "groups": _mapping,
}


def represent(metadata: ConnectorMetadata) -> dict[str, Json]:
    """The whole of it."""
    return {name: as_json(getattr(metadata, name)) for name in CONNECTOR}


def read(
    values: Mapping[str, object], *, needed: Collection[str] = (), besides: Collection[str] = ()
) -> tuple[dict[str, object], list[Problem]]:
    """What is said, for `connector`, and what is wrong with its shape: as `clients.document.read`."""
    spot = Spot(values)
    return read_members(CONNECTOR, spot, needed=needed, besides=besides), spot.found


def connector(before: ConnectorMetadata, said: Mapping[str, object]) -> ConnectorMetadata:
    """This connector, with what is said anew."""
    return replace(before, **said)  # type: ignore[arg-type]  # readers answer what the fields hold
