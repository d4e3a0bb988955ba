"""Account pages that allauth does not have, and what ours say beyond its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from idp.accounts import form_targets, sign_in
from idp.accounts.adapter import belongs_to_another


class LoginView(allauth.LoginView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "signup_open": settings.IDP_SIGNUP_OPEN}


class ReauthenticateView(allauth.ReauthenticateView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        next_url = get_next_redirect_url(self.request) or "/"
        return {**super().get_context_data(**kwargs), "switch_url": sign_in.switch_url(next_url)}


class EmailView(allauth.EmailView):
    def _action_primary(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """Only an address somebody proved to own becomes theirs: apps know people by the primary one."""
        address = self._get_email_address(request)
        if address is not None and (not address.verified or belongs_to_another(address)):
            messages.error(request, _("Verify this address before you make it the primary one."))
            return redirect("account_email")
        response: HttpResponse | None = super()._action_primary(request, *args, **kwargs)
        return response


login = LoginView.as_view()
reauthenticate = ReauthenticateView.as_view()
email = EmailView.as_view()


@require_http_methods(["GET", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """Use another account: sign out (by POST, so that no link can do it), sign in, and go on to `next`."""
    next_url = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    if not get_adapter().is_safe_url(next_url):
        next_url = ""
    if request.method == "GET" and request.user.is_authenticated:
        return render(request, "account/switch.html", {"next": next_url})
    origin = form_targets.remembered(request, next_url)
    wanted = request.session.get(sign_in.PROOF_KEY)
    sign_in.leave(request)
    # Signing out emptied the session; what the app waits for is still to come.
    if origin:
        form_targets.remember(request, next_url, origin)
    if wanted:
        request.session[sign_in.PROOF_KEY] = wanted
    login_url = reverse("account_login")
    return redirect(f"{login_url}?{urlencode({REDIRECT_FIELD_NAME: next_url})}" if next_url else login_url)
