"""Apps that register themselves, and change and delete their registration (RFC 7591, RFC 7592), as rows.

Each acts with few rights: in a project as an editor who may do what its initial access token says, outside of every
project as a guest (`clients.guest_registration`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db import transaction

from clients import guests, initial_tokens, registration, self_registration
from clients.guest_registration import register_guest
from clients.metadata import Audience, ClientMetadata
from clients.models import Client, InitialAccessToken, RegistrationAccess
from clients.models.choices import Introspection
from clients.policy import metadata_of
from clients.self_registration import Bounds
from common.json_type import Json
from projects.access import Roles
from projects.actors import Actor
from projects.events import acting
from projects.models import Role
from projects.problems import Problem, require
from projects.sectors import PUBLIC

NOTHING_SAID = ClientMetadata()
AS_GUEST = Bounds(guests.GRANT_TYPES)  # what it may reach, each project says


@dataclass(frozen=True, slots=True)
class Registered:
    """An app, and what it is told once. No secret: it has none, or has it already."""

    client: Client
    token: str
    secret: str = ""

    @property
    def shown(self) -> dict[str, Json]:
        project = self.client.project
        return self_registration.shown(metadata_of(self.client), project.subject_type if project else PUBLIC)


class UsedUp(Exception):
    """Somebody else used the token a moment ago: an initial one for the last time, or one that an update replaced."""


def register(values: Mapping[str, object], initial: InitialAccessToken | None = None) -> Registered:
    """A new app in the project of this token; without one, a guest. Raises RegistrationError, UsedUp."""
    said, found = self_registration.read(values, _bounds(initial))
    require(found)
    wanted, by = ClientMetadata().changed(said), _actor(initial)
    with acting(by), transaction.atomic():
        if initial is None:
            client = register_guest(wanted, by, guests.DCR)
        elif initial_tokens.spend(initial):
            client = registration.register(_within(wanted, initial), initial.project, by, source=guests.DCR)
        else:
            raise UsedUp
        by = _actor(initial, client.client_id)
        token = initial_tokens.new_token()
        RegistrationAccess.objects.create(client=client, digest=initial_tokens.digest_of(token), initial_token=initial)
        return Registered(client, token, registration.generate_secret(client, by) if client.uses_secrets else "")


def find(client_id: str, token: str) -> RegistrationAccess | None:
    """The app of this id, if that is its registration access token."""
    rows = RegistrationAccess.objects.select_related("client__project", "initial_token__project")
    found = rows.filter(client__client_id=client_id).first() if "\0" not in client_id else None
    good = found is not None and hmac.compare_digest(found.digest, initial_tokens.digest_of(token))
    return found if good else None


def change(access: RegistrationAccess, values: Mapping[str, object]) -> Registered:
    """Everything anew (RFC 7592 section 2.2): what is left out has its default, and today's bounds hold.

    Another token takes the place of the one that was used. Raises RegistrationError, UsedUp, Client.DoesNotExist.
    """
    client, initial = access.client, access.initial_token
    require(_sent_back(client, values))
    said, found = self_registration.read(values, _bounds(initial))
    require(found)
    by = _actor_of(access)
    with acting(by), transaction.atomic():
        had_secret = client.uses_secrets
        registration.change(client, _anew(metadata_of(client)).changed(said), by)
        token = initial_tokens.new_token()
        mine = RegistrationAccess.objects.filter(pk=access.pk, digest=access.digest)
        if not mine.update(digest=initial_tokens.digest_of(token)):
            raise UsedUp
        new_secret = client.uses_secrets and not had_secret
        return Registered(client, token, registration.generate_secret(client, by) if new_secret else "")


def delete(access: RegistrationAccess) -> None:
    """It ends, and everything that people allowed it (section 2.3). Raises RegistrationError."""
    registration.delete(access.client, _actor_of(access))


def _sent_back(client: Client, values: Mapping[str, object]) -> list[Problem]:
    """Section 2.2: the id it has, and nothing that is made here."""
    found = [
        Problem(name, "This is made here, and not sent back.") for name in self_registration.MADE_HERE if name in values
    ]
    if values.get("client_id") != client.client_id:
        found.append(Problem("client_id", "Send the client ID that this registration has."))
    return found


def _bounds(initial: InitialAccessToken | None) -> Bounds:
    return Bounds(scopes=tuple(initial.scope.split())) if initial else AS_GUEST


def _within(wanted: ClientMetadata, initial: InitialAccessToken) -> ClientMetadata:
    """With what such an app does not say itself."""
    audiences = tuple(Audience(one) for one in initial.audiences)
    pkce = initial.require_pkce or wanted.public
    return replace(wanted, audience=audiences, require_pkce=pkce, introspection=Introspection.NONE)


def _anew(before: ClientMetadata) -> ClientMetadata:
    """What it did not say itself stays: members of the project may have decided otherwise meanwhile."""
    unsaid: dict[str, object] = {name: getattr(NOTHING_SAID, name) for name in self_registration.MEMBERS}
    return before.changed(unsaid)


def _actor(initial: InitialAccessToken | None, client_id: str = "") -> Actor:
    """A guest changes nothing but itself; else it is an editor of this project alone, who gives no more than that."""
    if initial is None:
        return Actor.itself(client_id)
    roles = Roles(is_superuser=False, by_project={initial.project_id: Role.EDITOR})
    return Actor(roles, name=f"registered itself with {initial}")


def _actor_of(access: RegistrationAccess) -> Actor:
    return _actor(access.initial_token, access.client.client_id)
