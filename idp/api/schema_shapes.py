"""Pieces of JSON Schemas that most of them have."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from common.json_type import Json

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": {"type": "string"}}
TEXT_OR_NONE: Json = {"type": ["string", "null"]}
FLAG: Json = {"type": "boolean"}
MOMENT: Json = {"type": "string", "format": "date-time"}
MOMENT_OR_NONE: Json = {"type": ["string", "null"], "format": "date-time"}
ID: Json = {"type": "string", "format": "uuid"}


def object_of(properties: Mapping[str, Json], required: Collection[str] = (), **more: Json) -> dict[str, Json]:
    said: dict[str, Json] = {"type": "object", "properties": dict(properties), "additionalProperties": False, **more}
    return {**said, "required": [*required]} if required else said


def answer_of(properties: Mapping[str, Json]) -> dict[str, Json]:
    return object_of(properties, list(properties))
