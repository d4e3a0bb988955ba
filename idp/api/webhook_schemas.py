"""JSON Schemas of webhooks and of what is delivered to them."""

from __future__ import annotations

from clients.models.logout import NoticeState
from clients.models.telling import ToldKind
from common.json_type import Json
from idp.api.schema_shapes import FLAG, MOMENT, MOMENT_OR_NONE, TEXT, object_of

LISTS = ("Webhook", "Delivery")


def every() -> dict[str, dict[str, Json]]:
    secret: Json = {"type": "string", "description": "Shown by this answer, and never again."}
    return {
        "Webhook": object_of({**_said(), **_answered()}),
        "NewWebhook": object_of({**_said(), **_answered(), "secret": secret}),
        "Delivery": object_of(
            {
                "id": {"type": "string", "format": "uuid", "description": "`webhook-id`: the same at each try."},
                **dict.fromkeys(("sub", "kind", "problem"), TEXT),
                "state": {"type": "string", "enum": [str(one) for one in NoticeState.values]},
                "attempts": {"type": "integer"},
                "status": {"type": ["integer", "null"], "description": "Of the last answer; null: there was none."},
                "happened_at": MOMENT,
                **dict.fromkeys(("tried_at", "delivered_at"), MOMENT_OR_NONE),
            }
        ),
    }


def _said() -> dict[str, Json]:
    kinds: Json = {
        "type": "array",
        "items": {"type": "string", "enum": [str(one) for one in ToldKind.values]},
        "description": "Which events it gets; none: all of them, later ones included.",
    }
    return {
        "url": {"type": "string", "maxLength": 500},
        "description": {"type": "string", "maxLength": 100},
        "kinds": kinds,
        "enabled": FLAG,
    }


def _answered() -> dict[str, Json]:
    moment: Json = {"type": "string", "format": "date-time", "readOnly": True}
    return {
        "id": {"type": "string", "format": "uuid", "readOnly": True},
        "disabled_because": {"type": "string", "readOnly": True},
        "secrets": {"type": "integer", "description": "How many of them sign: 1 or 2.", "readOnly": True},
        "secret_made_at": moment,
        "created_at": moment,
    }
