"""Proving once more who one is, at a provider elsewhere that is linked: the only way for people without a password."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from allauth.account.utils import get_next_redirect_url, passthrough_next_redirect_url
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import sign_in
from accounts.console import actor
from projects.upstream import connectors
from projects.upstream.provider import CONFIRM
from projects.upstream.views import go


@login_required
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """A button for each. What allauth kept of a form that came too late is dropped: they decide anew (decision 276)."""
    request.session.pop(STATE_SESSION_KEY, None)
    next_url = get_next_redirect_url(request) or reverse("home")
    ways = connectors.that_ask_again(actor(request))
    chosen = next((one for one in ways if one.key == request.POST.get("by")), None)
    if chosen is not None:
        return go(request, chosen, next_url, process=CONFIRM)
    if not ways:
        return redirect(sign_in.reauthenticate_url(request, next_url))
    context = {"ways": ways, "next": next_url, "switch_url": sign_in.switch_url(next_url)}
    return render(request, "upstream/confirm.html", {**context, "reauthentication_alternatives": _others(request)})


def _others(request: HttpRequest) -> list[dict[str, str]]:
    methods: list[dict[str, str]] = get_adapter(request).get_reauthentication_methods(request.user)
    return [
        {**one, "url": passthrough_next_redirect_url(request, one["url"], REDIRECT_FIELD_NAME)}
        for one in methods
        if one["id"] != sign_in.UPSTREAM
    ]
