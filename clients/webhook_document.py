"""The one JSON of a webhook: the configuration file and the HTTP API read and show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clients.models import Webhook
from clients.webhooks import CHANGEABLE, WebhookMetadata
from common.json_type import Json
from projects.json_shape import Members, Spot, as_json, flag, read_members, text, texts
from projects.problems import Problem

MEMBERS: Members = {"url": text, "description": text, "kinds": texts, "enabled": flag}


def read(values: Mapping[str, object], *, new: bool = False) -> tuple[dict[str, object], list[Problem]]:
    """What is said, and what is wrong with its shape."""
    spot = Spot(values)
    return read_members(MEMBERS, spot, needed=["url"] if new else ()), spot.found


def changed(before: WebhookMetadata, said: Mapping[str, object]) -> WebhookMetadata:
    return replace(before, **said)  # type: ignore[arg-type]  # readers answer what the fields hold


def represent(webhook: Webhook) -> dict[str, Json]:
    """Everything but its secrets: how many there are."""
    return {
        "id": str(webhook.pk),
        **{name: as_json(getattr(webhook, name)) for name in CHANGEABLE},
        "disabled_because": webhook.disabled_because,
        "secrets": 2 if webhook.secret_before else 1,
        "secret_made_at": as_json(webhook.secret_made_at),
        "created_at": as_json(webhook.created_at),
    }
