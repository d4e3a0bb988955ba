"""A form of the console that was open while somebody else saved the same: it undoes nothing without a word.

The page carries a mark of each value it showed. When it comes back, fields that somebody else changed meanwhile show
what is there now, unless the person changed them, too; then both are told. Nothing is saved before they have seen it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.models import ModelChoiceField
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

FIELD = "_seen"
PURPOSE = "console.seen"
LENGTH = 16  # hexadecimal digits of a mark: nobody gains by two values that have the same
LONGEST = 200  # characters that are shown of a value
TOLD = gettext_lazy(
    "Somebody changed this since the page was shown: %(fields)s. Nothing is saved yet. What you did not touch shows "
    "what is there now: look at it, and save again."
)
GONE = gettext_lazy(
    "Somebody deleted rows of this table since the page was shown. Nothing is saved yet: look at what is left, and "
    "save again."
)
Marks = Mapping[str, str]

if TYPE_CHECKING:
    Base = forms.ModelForm[Any]
    Rows = forms.BaseInlineFormSet[Any, Any, forms.ModelForm[Any]]
else:
    Base = object
    Rows = forms.BaseInlineFormSet


class Watched(Base):
    """Mixed into forms of rows that exist. `seen`: the marks of the page that they were typed on."""

    seen: Marks = {}

    def full_clean(self) -> None:
        super().full_clean()
        changed = [*_changed_by_others(self)] if self.is_bound and self.seen and self.instance.pk else []
        for name in changed:
            field = self.fields[name]
            if _typed(self, name) == self.seen[_key(self, name)]:  # they left it as it was
                field.bound_data = _what_is_there  # type: ignore[method-assign,assignment]
            else:
                now = Truncator(_said(field, self.get_initial_for_field(field, name))).chars(LONGEST)
                self.add_error(name, _("This was changed meanwhile. It is now: “%(now)s”.") % {"now": now})
        if changed:
            names = ", ".join(str(self.fields[name].label or name) for name in changed)
            self.add_error(None, str(TOLD) % {"fields": names})


class WatchedRows(Rows):
    """Rows below a form. One that is not there any more has no value to show, and could never be sent again.

    Whoever sends one to delete it wants what has happened.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.missed = False
        if self.is_bound and self.management_form.is_valid():
            self._take_out_what_is_gone()

    def full_clean(self) -> None:
        super().full_clean()
        if self.missed:
            self._non_form_errors.append(str(GONE))  # type: ignore[attr-defined]

    def _take_out_what_is_gone(self) -> None:
        rows, total, prefix = self.get_queryset(), self.total_form_count(), str(self.prefix)
        shown = min(self.initial_form_count(), total)  # it is a number that somebody sent; the total is bounded
        there, key = {str(row.pk) for row in rows}, rows.model._meta.pk.name
        gone = {i for i in range(shown) if self.data.get(f"{self.add_prefix(i)}-{key}") not in there}
        if not gone:
            return
        self.missed = any(not self.data.get(f"{self.add_prefix(i)}-DELETE") for i in gone)
        left = [i for i in range(total) if i not in gone]
        sent = _renumbered(self.data, prefix, left)
        sent[f"{prefix}-INITIAL_FORMS"], sent[f"{prefix}-TOTAL_FORMS"] = str(shown - len(gone)), str(len(left))
        self.data = sent
        del self.management_form  # it was read from what was sent


def _renumbered(sent: Any, prefix: str, left: Sequence[int]) -> Any:
    """The same, with these rows alone."""
    kept, number = sent.copy(), {str(old): new for new, old in enumerate(left)}
    row = re.compile(rf"{re.escape(prefix)}-(\d+)-(.+)", re.DOTALL)
    found = [(name, match) for name in sent if (match := row.fullmatch(name))]
    for name, _match in found:
        del kept[name]
    for name, match in found:
        if match[1] in number:
            kept.setlist(f"{prefix}-{number[match[1]]}-{match[2]}", sent.getlist(name))
    return kept


def _what_is_there(_data: object, initial: object) -> object:
    return initial


def watched(form: type[Any], request: HttpRequest) -> type[Any]:
    """The form, for this request."""
    if request.method != "POST" or getattr(form, "watches_itself", False):
        return form
    return type(form.__name__, (Watched, form), {"seen": _read(request)})


def marks_of(form: forms.BaseForm, rows: Iterable[forms.BaseForm]) -> str:
    """Of what a page shows, for it to bring back."""
    found = {_key(one, name): _mark(one, name) for one in (form, *rows) for name in _names(one)}
    return json.dumps(found, separators=(",", ":"))


def _read(request: HttpRequest) -> Marks:
    """Empty where a form says nothing: then it was made by a program."""
    try:
        said = json.loads(request.POST.get(FIELD, ""))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _changed_by_others(form: Watched) -> Iterator[str]:
    """Fields whose value is neither what the page showed nor what was typed into it."""
    for name in _names(form):
        seen, now = form.seen.get(_key(form, name)), _mark(form, name)
        if seen is not None and seen != now and _typed(form, name) != now:
            yield name


def _typed(form: Watched, name: str) -> str:
    """By the field alone: a rule may have refused what nobody touched. Empty where it is no value of the field."""
    try:
        return _digest(form, name, form.fields[name].clean(form[name].data))
    except ValidationError:
        return ""


def _mark(form: Any, name: str) -> str:
    return _digest(form, name, form.get_initial_for_field(form.fields[name], name))


def _digest(form: Any, name: str, value: object) -> str:
    said = f"{_key(form, name)}={_text(form.fields[name], value)}"
    return salted_hmac(PURPOSE, said, algorithm="sha256").hexdigest()[:LENGTH]


def _names(form: Any) -> Iterator[str]:
    """Whatever a page shows and sends back as it was."""
    for name, field in form.fields.items():
        hidden = field.widget.is_hidden or field.widget.needs_multipart_form
        if not (field.disabled or hidden or isinstance(field.widget, forms.PasswordInput)):
            yield name


def _key(form: Any, name: str) -> str:
    row: models.Model = form.instance
    return f"{row._meta.model_name}.{row.pk}.{name}"


def _said(field: forms.Field, value: object) -> str:
    """As the page says it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str) and isinstance(field, forms.ChoiceField) and not isinstance(field, ModelChoiceField):
        return str(dict(cast("Iterable[tuple[object, object]]", field.choices)).get(value, value))
    if isinstance(field, ModelChoiceField) and isinstance(value, int):
        chosen = field.queryset.filter(pk=value).first() if field.queryset is not None else None
        return field.label_from_instance(chosen) if chosen is not None else _text(field, value)
    return _text(field, value)


def _text(field: forms.Field, value: object) -> str:
    """One for what a field takes for the same: line ends, the order of boxes, a moment below a second."""
    if isinstance(value, datetime):
        value = value.replace(microsecond=0)
    value = field.prepare_value(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(sorted(map(str, value)))
    return " ".join(str("" if value is None else value).split())
