"""What people do in the console that security depends on, in the append-only log beside Django's history."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from clients.models import Client, SecurityEvent


def record(person: User, kind: str, client: Client | None = None, /, **detail: Any) -> None:
    SecurityEvent.objects.create(
        kind=kind, client_id=client.client_id if client else "", sub=str(person.sub), detail=detail
    )


def client_saved(person: User, form: Any, change: bool) -> None:
    """A client was made, or its rights moved: before and after, where they differ."""
    client: Client = form.instance
    if not change:
        record(person, "client.created", client, project=client.project.key, introspection=client.introspection)
        return
    before = {"introspection": form.initial["introspection"], **_lists(form.initial)}
    after = {"introspection": client.introspection, **_lists(form.cleaned_data)}
    moved = {name: {"before": before[name], "after": after[name]} for name in before if before[name] != after[name]}
    if moved:
        record(person, "client.introspection_changed", client, **moved)
    if form.initial["enabled"] != client.enabled:
        record(person, "client.enabled" if client.enabled else "client.disabled", client)


def _lists(values: dict[str, Any]) -> dict[str, list[str]]:
    """The named clients and APIs as sorted texts, from a form's initial texts or its cleaned rows."""
    return {
        "introspects": sorted(getattr(one, "client_id", one) for one in values["introspects"]),
        "acts_for": sorted(getattr(one, "identifier", one) for one in values["acts_for"]),
    }
