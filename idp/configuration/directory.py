"""What the file says of attributes and groups, and of who has which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accounts import attribute_schema, attributes, groups
from accounts.attributes import Definition, Editor
from accounts.models import User
from idp import directory
from idp.configuration.context import Context
from idp.configuration.problems import quoted
from idp.configuration.schema import SHORT
from idp.configuration.shape import Entry, texts_of
from projects.problems import Problem


def apply_attribute(context: Context, entry: Entry) -> None:
    name = entry.text("name")
    if not context.first("attribute", name.casefold(), entry.place_of("name")):
        return
    before = attributes.schema().get(name)
    wanted = directory.wanted(name, entry.values, before)
    if _told(context, entry, directory.fit(wanted, before)):
        return
    lost = attribute_schema.people_with(name) if before is not None and wanted.type != before.type else 0
    changed = attribute_schema.define(wanted, context.by)
    context.ledger.note("attribute", name, created=before is None, fields=entry.section.in_order(changed))
    context.ledger.loses("attribute", name, {"people": lost})


def apply_group(context: Context, entry: Entry) -> None:
    name = groups.plain(entry.text("name"))
    if not context.first("group", name.casefold(), entry.place_of("name")):
        return
    there = groups.named(name)
    said = directory.texts_of(entry.values)
    if _told(context, entry, directory.problems(groups.problems(said, there))):
        return
    group, changed = directory.write_group(there, said, context.by)
    context.ledger.note("group", group.name, created=there is None, fields=entry.section.in_order(changed))


def _told(context: Context, entry: Entry, found: Iterable[Problem]) -> bool:
    """Whether there is any problem."""
    problems = list(found)
    for one in problems:
        context.problems.add_unless_known(entry.place_of(one.field), one.message)
    return bool(problems)


def set_attributes(context: Context, user: User, entry: Entry) -> list[str]:
    """Those that the file names, and no others: people edit theirs in between. Answers which of them changed."""
    said = _said(context, entry)
    if not said:
        return []
    before = attributes.values_of(user)
    changes, troubles = attributes.read(said, Editor.IMPORT, before=before, known=_known(context))
    for one in troubles:
        place = entry.place_of(*(() if one.name in entry.values else ("attributes",)), one.name)
        context.problems.add_unless_known(place, one.message)
    changed = attributes.put(user, changes)
    if changed and not troubles:
        user.save()
    return changed


def _said(context: Context, entry: Entry) -> dict[str, object]:
    """Those of `attributes`, and the ones that stand beside them for short."""
    said, short = entry.values.get("attributes"), {name: entry.values[name] for name in SHORT if name in entry.values}
    further = dict(said) if isinstance(said, Mapping) else {}
    for name in short.keys() & further.keys():
        context.problems.add(entry.place_of(name), "This is said twice: here, and in attributes. Leave one out.")
    return {**short, **further}


def _known(context: Context) -> Mapping[str, Definition]:
    if context.attributes is None:
        context.attributes = attributes.further()
    return context.attributes


def set_groups(context: Context, user: User, entry: Entry) -> bool:
    """All that they belong to by hand. Who else says something of them goes on saying it."""
    if "groups" not in entry.values:
        return False
    names = texts_of(entry.values["groups"])
    moved = groups.set_groups_of(user, names, "", context.by)
    for name in moved.unknown:
        place = entry.place_of("groups", [groups.plain(one) for one in names].index(name))
        context.problems.add_unless_known(place, f"There is no group {quoted(name)}.")
    return bool(moved.added or moved.removed)
