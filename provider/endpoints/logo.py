"""The logo of a client, from our own address (`provider.logos`)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from provider import logos
from provider.facts import find_client


@require_safe
def client_logo(request: HttpRequest, client_id: str) -> HttpResponse:
    client = find_client(client_id)
    logo = logos.find(client) if client is not None and client.enabled else None
    if logo is None:
        raise Http404
    response = HttpResponse(logo.data, content_type=logo.kind)
    response["Cache-Control"] = "public, max-age=3600"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
