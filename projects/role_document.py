"""The one JSON of a role: the configuration file and the HTTP API read and show it. The rest is `projects.document`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace

from common.json_type import Json
from projects.json_shape import Members, Spot, as_json, read_members, text, texts
from projects.metadata import RoleMetadata
from projects.problems import Problem

ROLE: Members = {"name": text, "description": text, "users": texts, "groups": texts}
PEOPLE = ("users", "groups")


def represent_role(metadata: RoleMetadata) -> dict[str, Json]:
    """The whole of it. People and groups stand in the order of their names."""
    return {
        name: sorted(value) if isinstance(value, tuple) else as_json(value) for name, value in asdict(metadata).items()
    }


def read_role(
    values: Mapping[str, object], *, needed: Collection[str] = (), besides: Collection[str] = ()
) -> tuple[dict[str, object], list[Problem]]:
    """What is said, for `role`, and what is wrong with its shape: as `clients.document.read`."""
    spot = Spot(values)
    return read_members(ROLE, spot, needed=needed, besides=besides), spot.found


def role(before: RoleMetadata, said: Mapping[str, object]) -> RoleMetadata:
    """This role, with what is said anew. People, or groups, that are named are all of them."""
    return replace(before, **said)  # type: ignore[arg-type]  # readers answer what the fields hold
