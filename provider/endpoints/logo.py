"""Logos, from our own address: those of clients (`provider.logos`) and of consent screens (`projects.logos`)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from projects import logos as projects_logos
from provider import logos
from provider.facts import find_client


@require_safe
def client_logo(request: HttpRequest, client_id: str) -> HttpResponse:
    client = find_client(client_id)
    logo = logos.find(client) if client is not None and client.enabled else None
    if logo is None:
        raise Http404
    return _shown(logo.data, logo.kind, "public, max-age=3600")


@require_safe
def project_logo(request: HttpRequest, digest: str) -> HttpResponse:
    """What this address shows never changes."""
    png = projects_logos.found(digest)
    if png is None:
        raise Http404
    return _shown(png, "image/png", "public, max-age=31536000, immutable")


def _shown(data: bytes, kind: str, kept: str) -> HttpResponse:
    response = HttpResponse(data, content_type=kind)
    response["Cache-Control"] = kept
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
