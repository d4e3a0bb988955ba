"""Account pages that allauth does not have."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.logout import logout
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from idp.accounts import form_targets


@never_cache
@require_http_methods(["GET", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """Use another account: sign out (by POST, so that no link can do it), sign in, and go on to `next`."""
    next_url = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    if not get_adapter().is_safe_url(next_url):
        next_url = ""
    if request.method == "GET" and request.user.is_authenticated:
        return render(request, "account/switch.html", {"next": next_url})
    origin = form_targets.remembered(request, next_url)
    logout(request, show_message=False)
    if origin:  # signing out emptied the session
        form_targets.remember(request, next_url, origin)
    login = reverse("account_login")
    return redirect(f"{login}?{urlencode({REDIRECT_FIELD_NAME: next_url})}" if next_url else login)
