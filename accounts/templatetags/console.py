"""What lists of the console need beyond Django's own tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from django import template
from django.contrib.admin import site
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.forms import BoundField
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from accounts.console import ConsoleAdmin
from accounts.console_lists import in_words
from accounts.tabs import tabs as tabs_of

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

register = template.Library()
Cell = Mapping[str, object]


@register.filter
def chosen(choices: Sequence[Cell]) -> Cell | None:
    """The choice of a filter that holds now, unless it is the first: all."""
    return next((one for one in choices[1:] if one["selected"]), None)


@register.filter
def label(field: BoundField) -> SafeString:
    """Without the colon behind it."""
    return field.label_tag(label_suffix="")


@register.filter
def counted(cl: ChangeList) -> str:
    """How many rows a list has, in words."""
    return in_words(cast(ConsoleAdmin, cl.model_admin).counted(cl.result_count), cl.result_count)


@register.filter
def first_page(row: Model) -> str:
    """The address of the first tab of what this row is about."""
    meta = row._meta
    page = getattr(site._registry.get(type(row)), "first_page", "change")
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[quote(row.pk)])


@register.inclusion_tag("admin/tabs.html")
def tabs(about: str, row: Model, here: str, **pages: str) -> Mapping[str, object]:
    """Of the pages of this row. `pages`: their labels, by what the names of their addresses end with."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
    named = [(page, label, reverse(f"{name}_{page}", args=[quote(row.pk)])) for page, label in pages.items()]
    return {"about": about, "tabs": tabs_of(named, here)}


@register.filter
def labelled(results: Iterable[Iterable[SafeString]], headers: Sequence[Cell]) -> Iterator[list[SafeString]]:
    """Rows whose cells say their column: on a phone each row is a card, and has no heading above it."""
    texts = ["" if "action-checkbox" in str(one["class_attrib"]) else capfirst(str(one["text"])) for one in headers]
    for row in results:
        yield [_with_label(cell, text) for cell, text in zip(row, texts, strict=True)]


def _with_label(cell: SafeString, text: str) -> SafeString:
    """Django made the cell, and it begins with its tag."""
    label = format_html(' data-label="{}"', text) if text else ""
    return mark_safe(f"{cell[:3]}{label}{cell[3:]}")  # noqa: S308 - Django's


@register.inclusion_tag("admin/empty_list.html")
def empty_list(cl: ChangeList) -> Mapping[str, object]:
    """Whether nothing is there, or nothing was found; and when something comes."""
    searched = bool(cl.query or cl.has_active_filters)
    return {"searched": searched, "words": getattr(cl.model_admin, "comes_when", "")}
