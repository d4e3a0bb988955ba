"""What a provider elsewhere tells of a person, as attributes and groups here, where that was configured."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from accounts import attributes, groups
from accounts.attributes import Editor
from accounts.models import GroupMember, User
from common.json_type import Json
from projects.upstream.models import Connector
from projects.upstream.told import found_at, text_of, texts_of

logger = logging.getLogger(__name__)
# Of a new person, by our column: their own names of it.
NAMES = {"first_name": "given_name", "last_name": "family_name"}


@dataclass(frozen=True, slots=True)
class Connected:
    """Who changes people in the name of a connector."""

    name: str
    sub: str = ""
    run_by: str = ""
    through: str = ""


def source_of(key: str) -> str:
    """What marks memberships as this connector's."""
    return f"connector:{key}"


def name_facts(claims: Mapping[str, Json]) -> dict[str, str]:
    found = {column: text_of(claims.get(name)) for column, name in NAMES.items()}
    if not any(found.values()):
        first, _space, last = text_of(claims.get("name")).partition(" ")
        found = {"first_name": first, "last_name": last}
    return {column: said[: attributes.LONGEST_NAME] for column, said in found.items()}


def apply_attributes(user: User, connector: Connector, claims: Mapping[str, Json]) -> None:
    """At each sign-in. What is not told stays as it is; what nobody could keep is left out, and named in the log."""
    told = {ours: found_at(claims, theirs) for ours, theirs in connector.attributes.items()}
    said = {ours: value for ours, value in told.items() if value is not None}
    if not said:
        return
    before = attributes.values_of(user)
    changes, troubles = attributes.read(said, Editor.IMPORT, before=before)
    unkept = [one.name for one in troubles]
    for name in unkept:
        changes.pop(name, None)
    while changes and not attributes.fits(before, changes):
        unkept.append(changes.popitem()[0])
    for name in unkept:
        logger.warning("The connector %s tells an attribute that cannot be kept: %s.", connector.key, name)
    source = source_of(connector.key)
    attributes.change(user, changes, Connected(source), source=source)


def apply_groups(user: User, connector: Connector, claims: Mapping[str, Json]) -> None:
    """At each sign-in. Only memberships of this connector's own come and go; no group is made."""
    source = source_of(connector.key)
    if connector.groups_claim or user.group_members.filter(source=source).exists():
        groups.set_groups_of(user, group_names(connector, claims), source, Connected(source))


def group_names(connector: Connector, claims: Mapping[str, Json]) -> list[str]:
    """By our names; where names are mapped, only those that are."""
    told = texts_of(found_at(claims, connector.groups_claim)) if connector.groups_claim else ()
    names = [connector.groups.get(one, "") if connector.groups else one for one in told]
    return [one for one in dict.fromkeys(names) if one]


def take_back_groups(key: str, user: User | None = None) -> None:
    """Everything that this connector gave, to everybody or to one."""
    source = source_of(key)
    rows = GroupMember.objects.filter(source=source, **({"user": user} if user else {}))
    for one in User.objects.filter(pk__in=rows.values("user")).order_by("pk"):
        groups.set_groups_of(one, (), source, Connected(source))
