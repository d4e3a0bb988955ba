"""What a change of a client changes, and what its events say of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from clients import keys
from clients.metadata import Audience, ClientMetadata
from projects.actors import Actor
from projects.events import Detail, record
from projects.sign_in import LetIn

RIGHTS_OVER_TOKENS = ("introspection", "introspects", "acts_for")
KEYS = ("jwks", "jwks_uri", "token_endpoint_auth_signing_alg")
TOLD_APART = ("enabled", "held", *RIGHTS_OVER_TOKENS, *KEYS)  # by no event, or by one of its own


def differences(before: ClientMetadata, after: ClientMetadata) -> list[str]:
    """The fields in which they differ."""
    return [one.name for one in fields(after) if told(getattr(before, one.name)) != told(getattr(after, one.name))]


def record_change(by: Actor, client_id: str, before: ClientMetadata, after: ClientMetadata, moved: list[str]) -> None:
    for kind, detail in events_of(before, after, moved):
        record(by, kind, client_id, **detail)


def events_of(
    before: ClientMetadata, after: ClientMetadata, moved: Sequence[str]
) -> Iterator[tuple[str, dict[str, Detail]]]:
    """Before and after, where they differ."""

    def detailed(names: Sequence[str]) -> dict[str, Detail]:
        return {
            name: {"before": told(getattr(before, name)), "after": told(getattr(after, name))}
            for name in names
            if name in moved
        }

    if detail := detailed([one.name for one in fields(after) if one.name not in TOLD_APART]):
        yield "client.changed", detail
    if detail := detailed(RIGHTS_OVER_TOKENS):
        yield "client.introspection_changed", detail
    if detail := detailed(KEYS):
        yield "client.keys_changed", detail
    if "enabled" in moved:
        yield "client.enabled" if after.enabled else "client.disabled", {}


def told(value: object) -> object:
    """As an event keeps it: sets in one order, lists in theirs."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Audience):
        return f"{value.value} ({value.mode}{', default' if value.default else ''})"
    if isinstance(value, LetIn):
        return value.json
    if isinstance(value, Mapping):
        return keys.described(dict(value))
    if isinstance(value, tuple):
        return [told(one) for one in value]
    return value
