"""What events keep besides their kind, as lines that people read: `Redirect URIs: a → b`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.browsers import describe
from accounts.models import User
from clients.forms import ClientForm
from clients.models import Client
from projects.models import Api, ConsentScreen, Project

LONGEST = 300  # characters of a value
ELSEWHERE = {"project", "by", "run_by", "through", "person", "member", "at"}  # said in a place of its own
# What stands in no form.
LABELS = {
    "scope": gettext_lazy("Scopes"),
    "audience": gettext_lazy("Audiences"),
    "redirect_uris": gettext_lazy("Redirect URIs"),
    "client_name": gettext_lazy("Name"),
    "changed": gettext_lazy("Changed"),
    "user_agent": gettext_lazy("Browser"),
    "network": gettext_lazy("Network"),
    "role": gettext_lazy("Role"),
    "label": gettext_lazy("Label"),
    "identifier": gettext_lazy("Identifier"),
    "amr": gettext_lazy("How they signed in"),
    "is_active": gettext_lazy("Active"),
}


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    after: str
    before: str | None = None  # None: nothing was there to compare with


def lines(detail: Mapping[str, object]) -> list[Line]:
    """In an order of their own: a database keeps them in none."""
    return [_line(name, value) for name, value in sorted(detail.items()) if name not in ELSEWHERE and value != ""]


def _line(name: str, value: object) -> Line:
    if isinstance(value, Mapping) and {"before", "after"} == set(value):
        return Line(label_of(name), text_of(value["after"]), text_of(value["before"]))
    if name == "user_agent":
        return Line(label_of(name), describe(str(value)))
    if name in ("changed", "removed", "added") and isinstance(value, Sequence) and not isinstance(value, str):
        return Line(label_of(name), ", ".join(label_of(str(one)) for one in value))
    return Line(label_of(name), text_of(value))


def label_of(name: str) -> str:
    """What the console calls it."""
    if name in LABELS:
        return str(LABELS[name])
    field = ClientForm.base_fields.get(name)
    if field is not None and field.label:
        return capfirst(str(field.label))
    for model in (Client, Project, Api, ConsentScreen, User):
        found = next((one for one in model._meta.concrete_fields if one.name == name), None)
        if found is not None:
            return capfirst(str(found.verbose_name))
    return capfirst(name.replace("_", " "))


def text_of(value: object) -> str:
    if value is None or value in ("", [], {}):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        said = ", ".join(f"{name}: {text_of(one)}" for name, one in sorted(value.items()))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        said = ", ".join(map(text_of, value))
    else:
        said = str(value)
    return str(Truncator(said).chars(LONGEST))


def of_history(entry: LogEntry) -> list[Line]:
    """`label: “before” → “after”`, as the console wrote it (`accounts.console.changes`)."""
    return [*_of_history(entry.change_message)]


def _of_history(message: str) -> Iterator[Line]:
    try:
        said = json.loads(message or "[]")
    except ValueError:
        yield Line("", message)
        return
    for one in said:
        for what, about in one.items():
            where = about.get("object", "")
            for text in about.get("fields", ()):
                label, colon, values = str(text).partition(": ")
                before, arrow, after = values.partition("” → “")
                if colon and arrow:
                    yield Line(label, _typed(after.removesuffix("”")), _typed(before.removeprefix("“")))
                else:
                    yield Line(_("Changed"), str(text))
            if where and what != "changed":
                yield Line(_("Added") if what == "added" else _("Removed"), str(where))


def _typed(value: str) -> str:
    """As a form had it."""
    return text_of({"True": True, "False": False}.get(value, value))
