"""`applyconfig --prune` for what is of the whole installation: attributes and groups that the file does not name.

Standard claims stay, and so do groups that something else made or puts people into. A file without the list says
nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from accounts import attribute_schema, attributes, groups
from accounts.models import Group, GroupMember
from common.command_output import number
from idp.configuration.context import Context
from idp.configuration.shape import Entry


def prune_directory(context: Context, file: Entry, *, with_values: bool) -> None:
    """What people have only where that is said: values are gone with an attribute, and what a group gave with it."""
    for group in _unlisted_groups(file):
        people = group.members.values("user").distinct().count()
        takes = {"people": people, "roles": group.role_grants.count()}
        if any(takes.values()) and not with_values:
            has = f"{number(people, 'person', 'people')} and {number(takes['roles'], 'role', 'roles')}"
            said = f"{group.name} cannot be deleted: it has {has}. --prune-values deletes it with these."
            context.problems.add(file.place_of("groups"), said)
            continue
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
        from_elsewhere = Exists(GroupMember.objects.filter(group=OuterRef("pk")).exclude(source=""))
        by_hand = Group.objects.filter(~from_elsewhere, source="", external_id="").order_by("name")
        # Not in the database: what it makes small is not what Python does (SQLite: ASCII alone).
        yield from [one for one in by_hand if one.name.lower() not in listed]


def _unlisted_attributes(file: Entry) -> Iterator[str]:
    if "attributes" in file.nested:
        listed = [entry.text("name") for entry in file.entries("attributes")]
        yield from [one.name for one in attributes.own(attributes.schema().values()) if one.name not in listed]
