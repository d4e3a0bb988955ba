"""The page for somebody whom an app, or its project, does not let in (protocol section 32).

It says which app, and whom to ask. Which groups or roles are let in is nobody's to know who has none of them. The app
hears of it when the person goes back there; with prompt=none at once, for no page may be shown.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import sign_in
from common.arrival import arrival_of
from projects.models import Project
from provider.authorization_request import ErrorResponse
from provider.endpoints import guest_words, permission_words
from provider.endpoints.leading_on import refuse
from provider.kept_requests import shortened
from provider.protocol.channel import Channel, Delivery
from provider.protocol.errors import NotLetIn

STATUS = 403


def answer(request: HttpRequest, error: ErrorResponse, *, silent: bool, shown: bool) -> HttpResponse:
    """What the app is to hear, on its way; a person who is not let in sees a page first."""
    if silent or not isinstance(error.refusal, NotLetIn):
        return refuse(request, error.channel, error.delivery(), silent=silent, shown=shown)
    again = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    return page(request, error.channel, error.delivery(), again)


def page(request: HttpRequest, channel: Channel, back: Delivery | None, again: str) -> HttpResponse:
    """`back`: how the app hears of it. `again`: the address where another account may go on; empty: there is none."""
    project = Project.objects.select_related("consent_screen").filter(pk=channel.client.project.id).first()
    guest = guest_words.of_guest(channel.client, channel.redirect_uri)
    context = {
        "name": str(guest or channel.client.name),
        "project_name": permission_words.app_name(project) if project else "",
        "support_email": permission_words.screen_of(project).support_email if project else "",
        "back": back,
        "switch_url": sign_in.switch_url(shortened(again)) if again else "",
        "reference": arrival_of(request).id,
    }
    response = render(request, "no_access.html", context, status=STATUS)
    response["Cache-Control"] = "no-store"
    # No `form-action`: the address is registered, and where the app redirects to from there nobody can list.
    response._csp_replace = {"form-action": None}  # type: ignore[attr-defined]
    return response
