"""One secret follows another: the new one is made, and those before it go on for a while."""

from __future__ import annotations

from datetime import datetime

from clients import registration
from clients.models import Client, ClientSecret
from projects.actors import Actor


def live_secrets(client: Client) -> list[ClientSecret]:
    return list(client.secrets.filter(slot__isnull=False).order_by("slot"))


def make_room(client: Client, by: Actor, now: datetime) -> None:
    """Secrets that ended by themselves hold their slot; nobody can use them."""
    for one in live_secrets(client):
        if one.expires_at is not None and one.expires_at <= now:
            registration.revoke_secret(one, by)


def limit_all(client: Client, by: Actor, until: datetime) -> None:
    """Let those it has end then, if they would not end earlier."""
    for one in live_secrets(client):
        registration.limit_secret(one, by, until)
