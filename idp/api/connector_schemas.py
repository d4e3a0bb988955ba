"""JSON Schemas of connectors, from the table of members that every door reads by."""

from __future__ import annotations

from django.utils.translation import override

from common.json_type import Json
from idp.api.described import TEXT
from projects.upstream import document
from projects.upstream.choices import Kind
from projects.upstream.models import Connector

LISTS = ("Connector",)
MAPPING: Json = {"type": "object", "additionalProperties": TEXT}
SPECIAL: dict[str, Json] = {
    "kind": {"type": "string", "enum": [*Kind.values], "default": "oidc"},
    "position": {"type": "integer", "minimum": 0, "maximum": document.MAX_POSITION, "default": 100},
    "attributes": MAPPING,
    "groups": MAPPING,
    "scope": {"type": "string"},
    **{name: {"type": "array", "items": TEXT} for name in ("domains", "owns_domains", "mfa_acr_values")},
    **{name: {"type": "boolean"} for name in ("enabled", "creates_people", "trusts_email", "trusts_mfa")},
}
SECRET: Json = {"type": "string", "writeOnly": True, "description": "It is never shown. Not named: it stays."}


def every() -> dict[str, dict[str, Json]]:
    shown: dict[str, Json] = {name: _described(name) for name in document.CONNECTOR}
    return {
        "Connector": {"type": "object", "properties": shown, "additionalProperties": False},
        "ConnectorWanted": {
            "type": "object",
            "properties": {**shown, "client_secret": SECRET},
            "additionalProperties": False,
            "example": {
                "name": "Corp",
                "kind": "oidc",
                "issuer": "https://login.corp.example",
                "client_id": "vestibule",
                "client_secret": "of this provider, there",
            },
        },
    }


def _described(name: str) -> Json:
    schema = SPECIAL.get(name, TEXT)
    with override("en"):
        words = str(getattr(Connector._meta.get_field("key" if name == "id" else name), "help_text", ""))
    return {**schema, "description": words} if words and isinstance(schema, dict) else schema
