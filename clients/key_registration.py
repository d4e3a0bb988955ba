"""One key more of a client, and one less: by the registration of clients, without losing what somebody else added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.db import transaction

from clients import keys, registration
from clients.models import Client
from clients.policy import metadata_of
from common import jws
from common.json_type import Json
from projects.actors import Actor

Keys = list[Json]


def add(client: Client, key: Json, by: Actor) -> None:
    """Raises RegistrationError."""
    _change(client, lambda there: [*there, key], by)


def remove(client: Client, thumbprint: str, by: Actor) -> bool:
    """Whether there was such a key. Nothing it signs proves anything from now on."""

    def without(there: Keys) -> Keys:
        return [key for key in there if not (isinstance(key, dict) and jws.thumbprint(key) == thumbprint)]

    return _change(client, without, by)


def _change(client: Client, do: Callable[[Keys], Keys], by: Actor) -> bool:
    """Whether that changed anything."""
    with transaction.atomic():
        client.refresh_from_db(from_queryset=Client.objects.select_for_update(of=("self",)))
        wanted = do(list(keys.keys_of(client.jwks)))
        return bool(registration.change_locked(client, replace(metadata_of(client), jwks={"keys": wanted}), by))
