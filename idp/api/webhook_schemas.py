"""JSON Schemas of webhooks and of what is delivered to them."""

from __future__ import annotations

from clients.models.logout import NoticeState
from clients.models.telling import ToldKind
from common.json_type import Json
from idp.api.schema_shapes import FLAG, ID, MOMENT, MOMENT_OR_NONE, TEXT

LISTS = ("Webhook", "Delivery")


def every() -> dict[str, dict[str, Json]]:
    secret: Json = {"type": "string", "description": "Shown by this answer, and never again."}
    return {
        "Webhook": object_of({**_said(), **_answered()}),
        "NewWebhook": object_of({**_said(), **_answered(), "secret": secret}),
        "Delivery": object_of(
            {
                "id": {**ID, "description": "`webhook-id` of the message, the same each time it is sent."},
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
    only: dict[str, Json] = {"readOnly": True}
    answered: dict[str, dict[str, Json]] = {
        "id": ID,
        "disabled_because": {"type": "string"},
        "secrets": {"type": "integer", "description": "How many sign: 2 while one is being rolled out."},
        "secret_made_at": MOMENT,
        "created_at": MOMENT,
    }
    return {name: {**one, **only} for name, one in answered.items()}
