"""For the pages of signing in: which app they lead on to."""

from __future__ import annotations

from django import template
from django.http import HttpRequest

from provider.endpoints.onward import Onward, app_of

register = template.Library()


@register.simple_tag(takes_context=True)
def leads_on_to(context: template.Context) -> Onward | None:
    """Looked for once per request."""
    request = context.get("request")
    if not isinstance(request, HttpRequest):
        return None
    kept = vars(request)
    if "leads_on_to" not in kept:
        kept["leads_on_to"] = app_of(request)
    found: Onward | None = kept["leads_on_to"]
    return found
