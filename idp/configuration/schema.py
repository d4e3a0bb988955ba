"""What may stand in the file: every section, every key, and how its value is read. Touches no database row.

What clients, APIs and projects are made of is in `clients.document` and `projects.document`, for every door. Here is
what a file has beside that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clients import document as client_document
from clients import webhook_document
from idp import directory
from idp.configuration.references import Reference, reference
from idp.configuration.shape import Section
from projects import document, role_document
from projects.json_shape import Members, Spot, Unreadable, Wrong, flag, items, moment_or_none, read_members, text, texts
from projects.upstream import document as connector_document

# Ending tokens is a deed and no state: a file that is applied again would take back what was done since.
DEEDS = ("tokens_not_before",)


@dataclass(frozen=True, slots=True)
class SaidSecret:
    """One of `client_secrets`: the secret, where it stands, or its hash."""

    secret: str = field(default="", repr=False)
    source: Reference | None = None
    digest: str = field(default="", repr=False)
    label: str | None = None
    expires_at: datetime | None = None


def version(spot: Spot) -> int:
    if spot.value != 1 or not isinstance(spot.value, int) or isinstance(spot.value, bool):
        raise Wrong("This version of the format is not known. Write 'version: 1'.")
    return 1


def secret(spot: Spot) -> str:
    """Taken as it is, whatever characters it has."""
    value = text(spot)
    if not value:
        raise Wrong("This must not be empty. Leave the key out instead.")
    return value


def mapping(spot: Spot) -> Mapping[str, object]:
    """Of names and values that others judge."""
    if not isinstance(spot.value, Mapping):
        raise Wrong(f"This must be a mapping of names and values, not {spot.kind}.")
    for name, value in spot.value.items():
        _refuse_unreadable(spot.at(str(name), value))
    return {} if spot.found else {str(name): value for name, value in spot.value.items()}


def _refuse_unreadable(spot: Spot) -> None:
    if isinstance(spot.value, Unreadable):
        spot.tell(f"This must be text, not {spot.kind}. Put it in quotes.")
    elif isinstance(spot.value, Mapping):
        for name, value in spot.value.items():
            _refuse_unreadable(spot.at(str(name), value))
    elif isinstance(spot.value, list):
        for index, value in enumerate(spot.value):
            _refuse_unreadable(spot.at(index, value))


def _secrets(spot: Spot) -> tuple[SaidSecret | None, ...]:
    """One that cannot be read keeps its number, as nothing."""
    found = items(spot)
    if len(found) > MOST_SECRETS:
        raise Wrong(f"A client has at most {MOST_SECRETS} secrets.")
    return tuple(_secret(item) for item in found)


def _secret(spot: Spot) -> SaidSecret | None:
    known = len(spot.found)
    try:
        said = read_members(SECRET, spot)
    except Wrong as error:
        spot.tell(error)
        return None
    if len(said.keys() & WAYS) != 1 and len(spot.found) == known:
        spot.tell(f"Give one of these: {', '.join(WAYS)}.")
    if len(spot.found) > known:
        return None
    return SaidSecret(**{WAYS.get(name, name): value for name, value in said.items()})  # type: ignore[arg-type]


class SecretReferences(tuple[Reference, ...]):
    """Where the secrets of a webhook are, the newer first."""


def _references(spot: Spot) -> SecretReferences:
    found = items(spot)
    if len(found) > MOST_SECRETS:
        raise Wrong(f"A webhook has at most {MOST_SECRETS} secrets.")
    said = []
    for item in found:
        try:
            said.append(reference(item))
        except Wrong as error:
            item.tell(error)
    return SecretReferences(said)


def _without_deeds(members: Members) -> dict[str, Callable[[Spot], object]]:
    return {name: reader for name, reader in members.items() if name not in DEEDS}


MOST_SECRETS = 2
WAYS = {"secret": "secret", "secret_from": "source", "secret_hash": "digest"}  # to say what it is, by its field
SECRET: Members = {
    "secret": secret,
    "secret_from": reference,
    "secret_hash": secret,
    "label": text,
    "expires_at": moment_or_none,
}
SHORT = ("phone_number", "address")  # attributes that may stand beside the others, as texts
USER = Section(
    "users",
    {
        "username": text,
        "password": secret,
        "password_from": reference,
        "password_hash": secret,
        "email": text,
        "email_verified": flag,
        "given_name": text,
        "family_name": text,
        "is_active": flag,
        "is_staff": flag,
        "is_superuser": flag,
        **dict.fromkeys(SHORT, text),
        "sub": text,
        "attributes": mapping,
        "groups": texts,
    },
    needed=("username",),
    columns={"given_name": "first_name", "family_name": "last_name"},
)
ATTRIBUTE = Section("attributes", directory.ATTRIBUTE, needed=("name",))
GROUP = Section("groups", directory.GROUP, needed=("name",))
API = Section("apis", _without_deeds(document.API), needed=("identifier",))
CLIENT = Section(
    "clients",
    {
        "client_id": text,
        "client_name": text,
        "client_secret": secret,
        "client_secret_from": reference,
        "client_secret_hash": secret,
        "client_secrets": _secrets,
        **_without_deeds(client_document.MEMBERS),
    },
    needed=("client_id",),
)
ROLE = Section("roles", role_document.ROLE, needed=("name",))
WEBHOOK = Section("webhooks", {**webhook_document.MEMBERS, "secrets_from": _references}, needed=("url",))
PROJECT = Section(
    "projects",
    {**_without_deeds(document.PROJECT), "subject_salt": secret},
    needed=("id",),
    nested={"roles": ROLE, "apis": API, "clients": CLIENT, "webhooks": WEBHOOK},
)
CONNECTOR = Section(
    "connectors",
    {**connector_document.CONNECTOR, "client_secret": secret, "client_secret_from": reference},
    needed=("id",),
)
TOP = {"users": USER, "projects": PROJECT, "attributes": ATTRIBUTE, "groups": GROUP, "connectors": CONNECTOR}
FILE = Section("", {"version": version}, needed=("version",), nested=TOP)
# Mappings inside of those, for the documentation.
MEMBERS = Section("members", document.MEMBERS_BY_ROLE)
CONSENT_SCREEN = Section("consent_screen", document.SCREEN)
CLAIM = Section("claims", document.CLAIM)
SCOPE = Section("scopes", document.SCOPE)
AUDIENCE = Section("audience", client_document.AUDIENCE)
SECRETS = Section("client_secrets", SECRET)
SECTIONS = (
    FILE,
    ATTRIBUTE,
    GROUP,
    USER,
    PROJECT,
    MEMBERS,
    CONSENT_SCREEN,
    CLAIM,
    ROLE,
    API,
    SCOPE,
    CLIENT,
    AUDIENCE,
    SECRETS,
    WEBHOOK,
    CONNECTOR,
)
