"""JSON Schemas of event streams, as whoever manages their project sees them."""

from __future__ import annotations

from clients.models.stream import DeliveryMethod, StreamStatus
from clients.streams import MAX_REASON
from common.json_type import Json
from idp.api.schema_shapes import MOMENT, TEXT, TEXTS, object_of

LISTS = ("Stream",)


def every() -> dict[str, dict[str, Json]]:
    status: Json = {"type": "string", "enum": [str(one) for one in StreamStatus.values]}
    reason: Json = {"type": "string", "maxLength": MAX_REASON}
    return {
        "StreamPatch": object_of({"status": status, "reason": reason}),
        "Stream": object_of(
            {
                "id": {"type": "string", "format": "uuid"},
                "client_id": TEXT,
                "method": {"type": "string", "enum": [str(one) for one in DeliveryMethod.values]},
                "host": {"type": "string", "description": "Where it is pushed to; empty: it is fetched."},
                "description": TEXT,
                "events_requested": TEXTS,
                "status": status,
                "reason": reason,
                "waiting": {"type": "integer"},
                "created_at": MOMENT,
            }
        ),
    }
