"""What is sent to a webhook: a body, and the headers that prove it is from here (Standard Webhooks 1.0). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import orjson

from common.json_type import Json


def body(kind: str, happened_at: datetime, data: Mapping[str, Json]) -> bytes:
    """The same bytes each time it is sent: an event, when it was, and whom and what it is about. No profile."""
    moment = happened_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps({"type": kind, "timestamp": moment, "data": dict(data)}, option=orjson.OPT_SORT_KEYS)


def headers(message_id: str, sent_at: int, sent: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """`sent_at`: seconds; a receiver refuses what is older than some minutes, so it is of each try."""
    signed = f"{message_id}.{sent_at}.".encode() + sent
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": " ".join(f"v1,{_signature(key, signed)}" for key in keys),
    }


def _signature(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
