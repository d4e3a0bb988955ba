"""What the file says of attributes and groups, and of who has which."""

from __future__ import annotations

from collections.abc import Mapping

from accounts import attributes
from accounts.attributes import Editor
from accounts.models import User
from idp.configuration.context import Context
from idp.configuration.shape import Entry


def set_attributes(context: Context, user: User, entry: Entry) -> list[str]:
    """Those that the file names, and no others: people edit theirs in between. Answers which of them changed."""
    said = entry.values.get("attributes")
    if not isinstance(said, Mapping):
        return []
    before = attributes.values_of(user)
    changes, troubles = attributes.read(said, Editor.IMPORT, before=before, known=attributes.further())
    for one in troubles:
        context.problems.add_unless_known(entry.place_of("attributes", one.name), one.message)
    changed = attributes.put(user, changes)
    if changed and not troubles:
        user.save()
    return changed
