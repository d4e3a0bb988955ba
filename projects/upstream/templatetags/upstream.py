"""For the sign-in page: the other ways in."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.http import HttpRequest

from projects.upstream import connectors
from projects.upstream.models import Connector

register = template.Library()


@register.simple_tag(takes_context=True)
def ways_in(context: template.Context) -> Sequence[Connector]:
    """In the order of their buttons."""
    request = context.get("request")
    return connectors.shown(request) if isinstance(request, HttpRequest) else ()
