"""What is known of people: the standard claims from the start, and what an installation added (protocol section 30).

`schema` says what there is. `read` is the one way in: it judges what a door was sent, for whoever edits. `change`
keeps it. Given and family name are columns of their own, and everything else is in one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import orjson
from django.db import transaction
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import attribute_types, events
from accounts.attribute_types import Bad
from accounts.events import By
from accounts.models import AccountEventKind, Attribute, EditableBy, User
from common.json_type import Json

Editor: TypeAlias = EditableBy  # who edits, in the same words
_RANK = {one: rank for rank, one in enumerate(EditableBy)}
MOST_BYTES = 32_000  # of one person, as JSON
NUMBER, VERIFIED = "phone_number", "phone_number_verified"
NAMES = MappingProxyType({"given_name": "first_name", "family_name": "last_name"})  # their columns
LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class Definition:
    """An attribute as everybody reads it."""

    name: str
    type: str
    label: str | Promise
    editable_by: EditableBy = EditableBy.PERSON
    standard: bool = False
    position: int = 0

    def editable_for(self, editor: Editor) -> bool:
        return _RANK[editor] >= _RANK[self.editable_by]


class Trouble(NamedTuple):
    """Why this attribute cannot have this value."""

    name: str
    message: str


def _standard(name: str, type: str, label: Promise, by: EditableBy = EditableBy.PERSON) -> Definition:
    return Definition(name, type, label, by, standard=True)


# OpenID Connect Core 1.0 section 5.1, in the order of the page that people edit. User name and e-mail address are what
# people sign in with, and have pages of their own.
STANDARD: Mapping[str, Definition] = {
    one.name: one
    for one in (
        _standard("given_name", "text", gettext_lazy("Given name")),
        _standard("middle_name", "text", gettext_lazy("Middle name")),
        _standard("family_name", "text", gettext_lazy("Family name")),
        _standard("nickname", "text", gettext_lazy("Nickname")),
        _standard("phone_number", "phone", gettext_lazy("Phone number")),
        _standard("phone_number_verified", "boolean", gettext_lazy("Phone number verified"), EditableBy.ADMINISTRATOR),
        _standard("address", "address", gettext_lazy("Postal address")),
        _standard("profile", "url", gettext_lazy("Page about you")),
        _standard("picture", "url", gettext_lazy("Address of your picture")),
        _standard("website", "url", gettext_lazy("Website")),
        _standard("gender", "text", gettext_lazy("Gender")),
        _standard("birthdate", "birthdate", gettext_lazy("Date of birth")),
        _standard("zoneinfo", "zoneinfo", gettext_lazy("Time zone")),
        _standard("locale", "locale", gettext_lazy("Language")),
    )
}


def schema() -> dict[str, Definition]:
    """Every attribute: the standard ones, then those of this installation in their order."""
    found = dict(STANDARD)
    for row in Attribute.objects.all():
        before = STANDARD.get(row.name)
        by = EditableBy(row.editable_by)
        found[row.name] = (
            Definition(row.name, row.type, row.label or row.name, by, position=row.position)
            if before is None
            else Definition(row.name, before.type, before.label, by, standard=True)
        )
    return found


def further() -> dict[str, Definition]:
    """Without the two names: where people are written down whole, those stand beside the attributes."""
    return {name: one for name, one in schema().items() if name not in NAMES}


def own(definitions: Iterable[Definition]) -> list[Definition]:
    """Those that this installation added."""
    return [one for one in definitions if not one.standard]


def values_of(user: User) -> dict[str, Json]:
    """Everything known of them, by name: the two names, too."""
    return {**{name: said for name, column in NAMES.items() if (said := getattr(user, column))}, **user.attributes}


def read(
    values: Mapping[str, object],
    editor: Editor,
    *,
    before: Mapping[str, Json] = MappingProxyType({}),
    known: Mapping[str, Definition] | None = None,
) -> tuple[dict[str, Json], list[Trouble]]:
    """What changes, in the form it is kept, None for what is taken away; and what is wrong with the rest.

    `before`: what they have. Whatever is the same is no change, and everybody may say it. `known`: the schema, if the
    door read it already.
    """
    definitions = schema() if known is None else known
    changes: dict[str, Json] = {}
    troubles: list[Trouble] = []
    for name, value in values.items():
        definition = definitions.get(name)
        try:
            if definition is None:
                raise Bad(_no_such(name, definitions))
            said = attribute_types.read(definition.type, value)
            if name in NAMES and said is not None and len(str(said)) > LONGEST_NAME:
                raise Bad(_("This text is too long: at most %(most)s characters.") % {"most": LONGEST_NAME})
            if said == before.get(name) and type(said) is type(before.get(name)):
                continue
            if not definition.editable_for(editor):
                raise Bad(not_yours(definition))
            changes[name] = said
        except Bad as problem:
            troubles.append(Trouble(name, str(problem)))
    if changes and not troubles and not fits(before, changes):
        troubles.append(Trouble(next(iter(changes)), _("These attributes are too large together.")))
    return changes, troubles


def fits(before: Mapping[str, Json], changes: Mapping[str, Json]) -> bool:
    """Whether one person may have all of it together."""
    return len(orjson.dumps(merged(before, changes))) <= MOST_BYTES


def merged(before: Mapping[str, Json], changes: Mapping[str, Json]) -> dict[str, Json]:
    """A number that is another one is not verified, unless the same change says so."""
    after = {**before, **changes}
    if after.get(NUMBER) is None:
        after.pop(VERIFIED, None)
    elif NUMBER in changes and VERIFIED not in changes and VERIFIED in before and before.get(NUMBER) != after[NUMBER]:
        after[VERIFIED] = False
    return {name: value for name, value in after.items() if value is not None}


def put(user: User, changes: Mapping[str, Json]) -> list[str]:
    """Give them these values, and answer the names of those that changed. Whoever calls has locked and saves them."""
    before = values_of(user)
    after = merged(before, changes)
    for name, column in NAMES.items():
        setattr(user, column, after.pop(name, ""))
    user.attributes = after
    now = values_of(user)
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def change(
    user: User, changes: Mapping[str, Json], by: By, request: HttpRequest | None = None, source: str = ""
) -> list[str]:
    """Keep what `read` found, and record it: which ones changed, never what they say."""
    with transaction.atomic():
        if changed := keep(user, changes):
            events.record_change(user, AccountEventKind.PROFILE_CHANGED, by, request, changed=changed, source=source)
    return changed


def keep(user: User, changes: Mapping[str, Json]) -> list[str]:
    """The same without an event. What somebody else changed in between stays as they left it."""
    if not changes:
        return []
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if changed := put(locked, changes):
            locked.save()
    user.refresh_from_db(fields=["attributes", "updated_at", *NAMES.values()])
    return changed


def _no_such(name: str, known: Mapping[str, Definition]) -> str:
    near = difflib.get_close_matches(name[:100], known, n=1)
    said = _("There is no attribute of this name.")
    return f"{said} " + _("Did you mean “%(name)s”?") % {"name": near[0]} if near else said


def not_yours(definition: Definition) -> str:
    if definition.editable_by is EditableBy.IMPORT:
        return _("Only an import sets this attribute.")
    return _("Only administrators set this attribute.")
