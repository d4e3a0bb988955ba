"""The one JSON of a project and of an API: the configuration file and the HTTP API read and show it.

Some of it has another form than the metadata: members by their role, scopes by their name, `shared` with one value for
two fields. So a door asks for `project` or `api`, which answer the whole metadata that is wanted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import TypeVar

from common.json_type import Json
from common.jws import ALGORITHMS
from projects import claim_table, sign_in_document
from projects.choices import ConsentMode, CrossClient, GuestApps, Role, Shared, Status, SubjectType, TokenFormat
from projects.claim_table import ClaimRow
from projects.json_shape import (
    Members,
    Reader,
    Spot,
    Wrong,
    as_json,
    choice,
    flag,
    moment_or_none,
    picture,
    read_members,
    seconds_or_none,
    text,
    texts,
)
from projects.metadata import ApiMetadata, Membership, ProjectMetadata, Scope, Screen
from projects.paths import joined, steps
from projects.problems import Problem

ROLES = {"owners": Role.OWNER, "editors": Role.EDITOR, "viewers": Role.VIEWER}
KEY_OF_ROLE = {role.value: key for key, role in ROLES.items()}


def _nested(members: Members) -> Reader:
    return lambda spot: read_members(members, spot)


def _scopes(spot: Spot) -> dict[str, dict[str, object]]:
    """Scope names with the words people read, or with a mapping that says more."""
    if not isinstance(spot.value, Mapping):
        raise Wrong(f"This must be a mapping of scope names and descriptions, not {spot.kind}.")
    return {str(name): _scope(spot.at(str(name), value)) for name, value in spot.value.items()}


def _scope(spot: Spot) -> dict[str, object]:
    try:
        return read_members(SCOPE, spot) if isinstance(spot.value, Mapping) else {"description": text(spot)}
    except Wrong as error:
        spot.tell(error)
        return {}


def _shared(spot: Spot) -> str | tuple[str, ...]:
    if isinstance(spot.value, list | tuple):
        return texts(spot)
    if spot.value not in (Shared.PRIVATE, Shared.PUBLIC):
        raise Wrong("Write 'private', 'public' or a list of project ids.")
    return str(spot.value)


def _claims(spot: Spot) -> dict[str, dict[str, object]]:
    """The whole table, each claim by its name."""
    if not isinstance(spot.value, Mapping):
        raise Wrong(f"This must be a mapping of claims and what they are made of, not {spot.kind}.")
    found = {}
    for name, value in spot.value.items():
        inside = spot.at(str(name), value)
        try:
            found[str(name)] = read_members(CLAIM, inside)
        except Wrong as error:
            inside.tell(error)
    return found


def _renamed(spot: Spot) -> tuple[tuple[str, str], ...]:
    if not isinstance(spot.value, Mapping):
        raise Wrong(f"This must be a mapping of names and what they are called in the claim, not {spot.kind}.")
    found = []
    for name, value in spot.value.items():
        inside = spot.at(str(name), value)
        try:
            found.append((str(name), text(inside)))
        except Wrong as error:
            inside.tell(error)
    return tuple(found)


CLAIM: Members = {
    "source": choice(claim_table.SOURCES),
    "attribute": text,
    "prefix": text,
    "only": texts,
    "rename": _renamed,
    "told_in": texts,
    "scope": choice(("", *claim_table.SCOPES)),
}
SCREEN: Members = {
    **dict.fromkeys(("app_name", "support_email", "homepage_uri", "policy_uri", "tos_uri"), text),
    "logo_uri": picture,
}
MEMBERS_BY_ROLE: Members = dict.fromkeys(ROLES, texts)
PROJECT: Members = {
    "id": text,
    "name": text,
    "consent_mode": choice(ConsentMode.values),
    "cross_client": choice(CrossClient.values),
    "require_pushed_authorization_requests": flag,
    "profile": text,
    "status": choice(Status.values),
    "longest_grant": seconds_or_none,
    "test_users": texts,
    "sign_in": sign_in_document.read,
    "guest_apps": choice(GuestApps.values),
    "guest_hosts": texts,
    "consent_uri": text,
    "subject_type": choice(SubjectType.values),
    "guest_longest_grant": seconds_or_none,
    "members": _nested(MEMBERS_BY_ROLE),
    "consent_screen": _nested(SCREEN),
    "claims": _claims,
    "tokens_not_before": moment_or_none,
}
SCOPE: Members = {"description": text, "sensitive": flag, "guests": flag}
API: Members = {
    "identifier": text,
    "name": text,
    "description": text,
    "scopes": _scopes,
    "token_format": choice(TokenFormat.values),
    "token_signing_alg": choice(tuple(ALGORITHMS)),
    "token_lifetime": seconds_or_none,
    "shared": _shared,
    "tokens_not_before": moment_or_none,
}

# --- Projects ------------------------------------------------------------------------------------------------------


def represent_project(metadata: ProjectMetadata) -> dict[str, Json]:
    """The whole of it. Members of a role stand in the order of their names."""
    forms: dict[str, Json] = {
        "members": {key: _usernames(metadata, role) for key, role in ROLES.items()},
        "consent_screen": asdict(metadata.consent_screen),
        "sign_in": metadata.sign_in.json,
        "claims": {row.name: _represent_claim(row) for row in sorted(metadata.claims, key=lambda row: row.name)},
    }
    return {name: forms[name] if name in forms else as_json(getattr(metadata, name)) for name in PROJECT}


def _represent_claim(row: ClaimRow) -> dict[str, Json]:
    return {name: dict(row.rename) if name == "rename" else as_json(getattr(row, name)) for name in CLAIM}


def _usernames(metadata: ProjectMetadata, role: str) -> list[str]:
    return sorted(member.username for member in metadata.members if member.role == role)


def read_project(
    values: Mapping[str, object], *, needed: Collection[str] = (), besides: Collection[str] = ()
) -> tuple[dict[str, object], list[Problem]]:
    """What is said, for `project`, and what is wrong with its shape: as `clients.document.read`."""
    spot = Spot(values)
    return read_members(PROJECT, spot, needed=needed, besides=besides), spot.found


def project(before: ProjectMetadata, said: Mapping[str, object]) -> ProjectMetadata:
    """This project, with what is said anew. A part that is not named stays: a role, a text of the consent screen."""
    plain = {name: value for name, value in said.items() if name not in ("members", "consent_screen", "claims")}
    screen, members, claims = said.get("consent_screen"), said.get("members"), said.get("claims")
    if isinstance(screen, Mapping):
        plain["consent_screen"] = _screen(before.consent_screen, screen)
    if isinstance(members, Mapping):
        plain["members"] = _members(before, members)
    if isinstance(claims, Mapping):  # each of them as a whole
        plain["claims"] = tuple(_replaced(ClaimRow(name=name, source=""), one) for name, one in sorted(claims.items()))
    return _replaced(before, plain)


def _screen(before: Screen, said: Mapping[str, object]) -> Screen:
    return _replaced(before, said)


def _members(before: ProjectMetadata, said: Mapping[str, object]) -> tuple[Membership, ...]:
    """Each role that is named has exactly these people; who is named moves, and others keep theirs."""
    named = [Membership(name, ROLES[key].value) for key in ROLES if key in said for name in _listed(said[key])]
    roles, moved = {ROLES[key].value for key in said}, {member.username for member in named}
    kept = [one for one in before.members if one.role not in roles and one.username not in moved]
    return (*kept, *named)


def place_in_project(field: str, wanted: ProjectMetadata, said: Mapping[str, object]) -> str:
    """Where a problem of the registration stands in the JSON: `members[3].username` is `members.owners[1]`."""
    match steps(field):
        case ("members", int(index), *_rest) if index < len(wanted.members):
            member = wanted.members[index]
            key = KEY_OF_ROLE.get(member.role, "")
            named = said.get("members")
            there = list(_listed(named.get(key, ()))) if isinstance(named, Mapping) else []
            before = sum(one.role == member.role for one in wanted.members[:index])
            return joined(("members", key, before)) if before < len(there) else joined(("members", key))
        case ("claims", int(index), *rest) if index < len(wanted.claims):
            return joined(("claims", wanted.claims[index].name, *(one for one in rest if one != "name")))
    return field


# --- APIs ----------------------------------------------------------------------------------------------------------


def represent_api(metadata: ApiMetadata) -> dict[str, Json]:
    """The whole of it. Scopes stand in the order of their names."""
    scopes = sorted(metadata.scopes, key=lambda scope: scope.name)
    forms: dict[str, Json] = {
        "scopes": {one.name: {name: getattr(one, name) for name in SCOPE} for one in scopes},
        "shared": sorted(metadata.shared_with) if metadata.shared == Shared.LISTED else metadata.shared,
    }
    return {name: forms[name] if name in forms else as_json(getattr(metadata, name)) for name in API}


def read_api(
    values: Mapping[str, object], *, needed: Collection[str] = (), besides: Collection[str] = ()
) -> tuple[dict[str, object], list[Problem]]:
    """What is said, for `api`, and what is wrong with its shape: as `clients.document.read`."""
    spot = Spot(values)
    return read_members(API, spot, needed=needed, besides=besides), spot.found


def api(before: ApiMetadata, said: Mapping[str, object]) -> ApiMetadata:
    """This API, with what is said anew. Scopes are those that are named, each with what it had and is not said."""
    plain = {name: value for name, value in said.items() if name not in ("scopes", "shared")}
    scopes, shared = said.get("scopes"), said.get("shared")
    if isinstance(scopes, Mapping):
        present = {scope.name: scope for scope in before.scopes}
        plain["scopes"] = tuple(_replaced(present.get(name, Scope(name)), one) for name, one in scopes.items())
    if isinstance(shared, str):
        plain |= {"shared": shared, "shared_with": ()}
    elif shared is not None:
        plain |= {"shared": Shared.LISTED.value, "shared_with": tuple(_listed(shared))}
    return _replaced(before, plain)


def place_in_api(field: str, wanted: ApiMetadata) -> str:
    """Where a problem of the registration stands in the JSON: `scopes[0].name` is `scopes["orders.read"]`."""
    match steps(field):
        case ("scopes", int(index), *rest) if index < len(wanted.scopes):
            return joined(("scopes", wanted.scopes[index].name, *(one for one in rest if one != "name")))
        case ("shared_with", *rest):
            return joined(("shared", *rest))
    return field


# --- Both ----------------------------------------------------------------------------------------------------------

Metadata = TypeVar("Metadata", ProjectMetadata, ApiMetadata, Screen, Scope, ClaimRow)


def _replaced(before: Metadata, said: Mapping[str, object]) -> Metadata:
    return replace(before, **said)  # type: ignore[arg-type]  # readers answer what the fields hold


def _listed(names: object) -> tuple[str, ...]:
    return tuple(map(str, names)) if isinstance(names, tuple | list) else ()
