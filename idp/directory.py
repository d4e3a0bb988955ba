"""Attributes and groups as documents: the same in the configuration file and in the HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from accounts import attribute_schema, groups
from accounts.attribute_types import OWN_TYPES
from accounts.attributes import STANDARD, Definition, Trouble
from accounts.events import By
from accounts.models import EditableBy, Group
from common.json_type import Json
from projects.json_shape import Members, Spot, Wrong, choice, read_members, text
from projects.problems import Problem


def position(spot: Spot) -> int:
    if isinstance(spot.value, bool) or not isinstance(spot.value, int):
        raise Wrong(f"This must be a whole number, not {spot.kind}.")
    return spot.value


ATTRIBUTE: Members = {
    "name": text,
    "type": choice(dict.fromkeys((*OWN_TYPES, *(one.type for one in STANDARD.values())))),
    "label": text,
    "editable_by": choice(EditableBy.values),
    "position": position,
}
GROUP: Members = {"name": text, "description": text, "external_id": text}


def read_attribute(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    return _read(ATTRIBUTE, values)


def read_group(values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    return _read(GROUP, values)


def _read(members: Members, values: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    spot = Spot(values)
    return read_members(members, spot), spot.found


# --- Attributes ------------------------------------------------------------------------------------------------------


def wanted(name: str, said: Mapping[str, object], before: Definition | None) -> Definition:
    """What it will be: as it was, with what is said. Of a new one whatever is not said is as usual."""
    first = before or STANDARD.get(name) or Definition(name, "text", name, EditableBy.ADMINISTRATOR)
    changes = {key: value for key, value in said.items() if key != "name"}
    if "editable_by" in changes:
        changes["editable_by"] = EditableBy(str(changes["editable_by"]))
    if changes.get("label") == "":
        changes["label"] = first.label if first.standard else name
    return replace(first, **changes)  # type: ignore[arg-type]


def fit(one: Definition, before: Definition | None) -> list[Problem]:
    new = before is None or (one.name in STANDARD and not one.standard)
    return problems(attribute_schema.problems_of(one, new=new))


def problems(troubles: Iterable[Trouble], where: Callable[[str], str] = str) -> list[Problem]:
    return [Problem(where(one.name), one.message) for one in troubles]


def attribute_document(one: Definition) -> dict[str, Json]:
    return {
        "name": one.name,
        "type": one.type,
        "label": str(one.label),
        "editable_by": one.editable_by.value,
        "position": one.position,
    }


# --- Groups ----------------------------------------------------------------------------------------------------------


def group_document(one: Group) -> dict[str, Json]:
    return {"name": one.name, "description": one.description, "external_id": one.external_id}


def texts_of(said: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in said.items()}


def write_group(there: Group | None, said: Mapping[str, object], by: By) -> tuple[Group, list[str]]:
    """Make or change it: `groups.problems` was asked before. Answers what changed."""
    known = texts_of(said)
    if there is None:
        more = {name: value for name, value in known.items() if name != "name"}
        return groups.make(known["name"], by, **more), sorted(known)
    return there, groups.change(there, by, **known)
