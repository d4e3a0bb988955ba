"""What the pages for people need beyond Django's own filters."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def site_name() -> str:
    """What people know this installation as."""
    return settings.IDP_NAME


@register.filter
def web_page(uri: str) -> str:
    """The address when it is a web page, else ''. A link given by a client must never be javascript: or data:."""
    return uri if str(uri).startswith(("https://", "http://")) else ""


@register.filter
def in_groups_of_four(text: str) -> str:
    """A secret or code in groups of four, which people can read out and type."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
