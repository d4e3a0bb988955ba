"""Fields of a page for attributes, and what was typed into them: one way for the account page and for the console."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.forms import BaseForm, CharField, Field, FloatField, Textarea, TextInput, TypedChoiceField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import attributes
from accounts.attribute_types import ADDRESS_PARTS, MAX_ADDRESS, MAX_ITEM, MAX_ITEMS, MAX_PHONE, MAX_TEXT, MAX_URL
from accounts.attributes import NAMES, Definition, Editor
from common.json_type import Json

ADDRESS = "address"
YES, NO = "true", "false"
PARTS: Mapping[str, str | Promise] = {
    "formatted": _("Postal address"),
    "street_address": _("Street and number"),
    "locality": _("City or town"),
    "region": _("State, province or region"),
    "postal_code": _("Postal code"),
    "country": _("Country"),
}
HELP: Mapping[str, str | Promise] = {
    "birthdate": _("Such as 1990-12-31; a year alone, or 0000-12-31 without the year."),
    "zoneinfo": _("Such as Europe/Berlin."),
    "locale": _("Such as en or de-AT."),
    "list": _("One per line."),
    "url": _("It begins with https://."),
    "formatted": _("As it stands on an envelope."),
}
# What browsers fill in (HTML, section 4.10.18.7).
AUTOCOMPLETE = {
    "given_name": "given-name",
    "middle_name": "additional-name",
    "family_name": "family-name",
    "nickname": "nickname",
    "phone_number": "tel",
    "website": "url",
    "picture": "photo",
    "gender": "sex",
    "birthdate": "bday",
    "locale": "language",
    "formatted": "off",
    "street_address": "street-address",
    "locality": "address-level2",
    "region": "address-level1",
    "postal_code": "postal-code",
    "country": "country-name",
}
LONGEST = {"url": MAX_URL, "phone": MAX_PHONE, "birthdate": 10, "date": 10, "zoneinfo": 64, "locale": 35}
INPUTS = {"url": "url", "phone": "tel", "date": "date"}


def name_of(attribute: str) -> str:
    """The name of its field. Given and family name have those of their columns."""
    return NAMES.get(attribute, attribute)


def part_name(part: str) -> str:
    """The name of the field. The whole of an address has the name of the attribute."""
    return ADDRESS if part == "formatted" else f"{ADDRESS}_{part}"


def fields(definitions: Iterable[Definition], values: Mapping[str, Json]) -> dict[str, Field]:
    """By name, each with what it shows first."""
    found: dict[str, Field] = {}
    for one in definitions:
        if one.type == ADDRESS:
            said = values.get(one.name)
            parts = said if isinstance(said, Mapping) else {}
            for part in ADDRESS_PARTS:
                found[part_name(part)] = _part(part, parts.get(part, ""))
        else:
            found[name_of(one.name)] = _field(one, values.get(one.name))
    return found


def typed(form: BaseForm, definitions: Iterable[Definition]) -> dict[str, object]:
    """What a valid form says, by the names of the attributes, for `attributes.read`."""
    said: dict[str, object] = {}
    for one in definitions:
        if one.type == ADDRESS:
            parts = {part: form.cleaned_data.get(part_name(part), "") for part in ADDRESS_PARTS}
            said[one.name] = {part: value for part, value in parts.items() if value}
        elif name_of(one.name) in form.cleaned_data:
            said[one.name] = _said(one, form.cleaned_data[name_of(one.name)])
    return said


def read_form(
    form: BaseForm, editor: Editor, definitions: Sequence[Definition], before: Mapping[str, Json]
) -> dict[str, Json]:
    """What changes by a form with these fields; what is wrong is told at its field."""
    known = {one.name: one for one in definitions}
    sent = {name: value for name, value in typed(form, definitions).items() if name_of(name) not in form.errors}
    changes, troubles = attributes.read(sent, editor, before=before, known=known)
    for one in troubles:
        form.add_error(name_of(one.name), one.message)
    return changes


def shown(value: Json) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, Mapping):
        return ", ".join(" ".join(str(one).split()) for one in value.values())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _part(part: str, value: Json) -> Field:
    lines = part in ("formatted", "street_address")
    attrs: dict[str, object] = {"autocomplete": AUTOCOMPLETE[part]}
    widget = Textarea(attrs={**attrs, "rows": 3 if part == "formatted" else 2}) if lines else TextInput(attrs=attrs)
    label, help_text = str(PARTS[part]), str(HELP.get(part, ""))
    return CharField(
        label=label, required=False, max_length=MAX_ADDRESS, widget=widget, initial=value, help_text=help_text
    )


def _field(one: Definition, value: Json) -> Field:
    label, help_text = str(one.label), str(HELP.get(one.type, ""))
    if one.type == "boolean":
        choices = [("", "—"), (YES, _("Yes")), (NO, _("No"))]
        shown = {True: YES, False: NO}.get(value, "") if isinstance(value, bool) else ""
        return TypedChoiceField(label=label, required=False, choices=choices, initial=shown)
    if one.type == "number":
        return FloatField(label=label, required=False, initial=value)
    if one.type == "list":
        lines = "\n".join(map(str, value)) if isinstance(value, list | tuple) else ""
        most = (MAX_ITEM + 2) * MAX_ITEMS
        return CharField(
            label=label, required=False, max_length=most, widget=Textarea(attrs={"rows": 4}), initial=lines,
            help_text=help_text,
        )  # fmt: skip
    attrs = {"autocomplete": AUTOCOMPLETE.get(one.name, "off")}
    if one.type in INPUTS:
        attrs["type"] = INPUTS[one.type]
    most = LONGEST.get(one.type, MAX_TEXT)
    return CharField(
        label=label, required=False, max_length=most, widget=TextInput(attrs=attrs), initial=value, help_text=help_text
    )


def _said(one: Definition, value: object) -> object:
    if one.type == "boolean":
        return {YES: True, NO: False}.get(str(value))
    if one.type == "list":
        return [line.strip() for line in str(value).splitlines() if line.strip()]
    return value
