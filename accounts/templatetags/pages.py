"""What the pages for people need beyond Django's own filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

from django import template
from django.conf import settings

register = template.Library()


class Allowable(Protocol):
    @property
    def allowed(self) -> bool: ...


Item: TypeAlias = Allowable | Mapping[str, object]


@register.simple_tag
def site_name() -> str:
    """What people know this installation as."""
    return settings.IDP_NAME


@register.filter
def web_page(uri: str) -> str:
    """The address when it is a web page, else ''. A link given by a client must never be javascript: or data:."""
    return uri if str(uri).startswith(("https://", "http://")) else ""


@register.filter
def to_ask(items: Iterable[Item], new_only: bool) -> list[Item]:
    """The items a person is asked about; with `new_only` those already allowed are left out."""
    return [item for item in items if not (new_only and _allowed(item))]


@register.filter
def already_allowed(items: Iterable[Item], new_only: bool) -> list[Item]:
    """The items to show apart as already allowed."""
    return [item for item in items if new_only and _allowed(item)]


@register.filter
def in_groups_of_four(text: str) -> str:
    """A secret or code in groups of four, which people can read out and type."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _allowed(item: Item) -> bool:
    return bool(item["allowed"] if isinstance(item, Mapping) else item.allowed)
