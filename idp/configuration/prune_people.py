"""`applyconfig --prune` for what is of the whole installation: attributes and groups that the file does not name.

Standard claims stay, and so do groups that something else made. A file without the list says nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from accounts import attribute_schema, attributes, groups
from accounts.models import Group
from common.command_output import number
from idp.configuration.context import Context
from idp.configuration.shape import Entry


def prune_directory(context: Context, file: Entry, *, with_values: bool) -> None:
    """Attributes of which people have a value only where that is said: what was known is gone with them."""
    for group in _unlisted_groups(file):
        people = group.members.values("user").distinct().count()
        takes = {"people": people, "roles": group.role_grants.count()}
        groups.delete(group, context.by)
        context.ledger.deleted("group", group.name, takes)
    for name in _unlisted_attributes(file):
        people = attribute_schema.people_with(name)
        if people and not with_values:
            have = f"{number(people, 'person has', 'people have')} a value of it"
            said = f"{name} cannot be deleted: {have}. --prune-values deletes these with it."
            context.problems.add(file.place_of("attributes"), said)
            continue
        attribute_schema.delete(name, context.by)
        context.ledger.deleted("attribute", name, {"people": people})


def _unlisted_groups(file: Entry) -> Iterator[Group]:
    if "groups" in file.nested:
        listed = [groups.plain(entry.text("name")).lower() for entry in file.entries("groups")]
        by_hand = Group.objects.filter(source="", external_id="").order_by("name")
        # Not in the database: what it makes small is not what Python does (SQLite: ASCII alone).
        yield from [one for one in by_hand if one.name.lower() not in listed]


def _unlisted_attributes(file: Entry) -> Iterator[str]:
    if "attributes" in file.nested:
        listed = [entry.text("name") for entry in file.entries("attributes")]
        yield from [one.name for one in attributes.own(attributes.schema().values()) if one.name not in listed]
