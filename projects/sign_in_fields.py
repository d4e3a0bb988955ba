"""Whom a project or a client lets in, on its page of the console: a choice, and names below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from projects import admission, quotas
from projects.sign_in import EVERYONE, LetIn

Names = list[str] | str | None
LABEL = gettext_lazy("Groups or roles that are let in")


class NamesField(forms.CharField):
    """Names with spaces, one per line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 80, "spellcheck": "false"})

    def prepare_value(self, value: Names) -> str | None:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]
        lines = _lines(super().to_python(value))
        if len(lines) > quotas.LISTED:
            raise ValidationError(_("At most %(most)s lines.") % {"most": quotas.LISTED})
        return lines

    def has_changed(self, initial: Names, data: Names) -> bool:
        return set(_lines(initial)) != set(_lines(data))


def _lines(value: Names) -> list[str]:
    lines = value.splitlines() if isinstance(value, str) else value or []
    return [line.strip() for line in lines if line.strip()]


class LetInShown:
    """Of an admin: the names, for those who look only."""

    @admin.display(description=LABEL)
    def let_in(self, row: admission.Ruled) -> str:
        return "\n".join(admission.let_in(row).names)


def names_field() -> NamesField:
    return NamesField(
        label=LABEL,
        required=False,
        help_text=gettext_lazy("By name, one per line. One that is deleted lets nobody in any more."),
    )


def typed(cleaned: Mapping[str, Any]) -> dict[str, LetIn]:
    """What the form says of it, for the metadata; nothing where it does not have both fields."""
    if "sign_in" not in cleaned or "let_in" not in cleaned:
        return {}
    who = cleaned["sign_in"] or EVERYONE
    return {"sign_in": LetIn(who, tuple(cleaned["let_in"]))}
