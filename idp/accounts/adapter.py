"""What allauth asks us."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from idp.accounts import sign_in


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.IDP_SIGNUP_OPEN)

    def is_safe_url(self, url: str | None) -> bool:
        """`next` is a path of this site; no other host is "ours", whatever the Host header says."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Signing in over somebody else's session ends theirs."""
        sign_in.end(request)
        super().login(request, user)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """A new password signs out every other browser: the old one may have been known."""
        super().set_password(user, password)
        request = context.request
        sign_in.end_all(user, keep=request.session.get(sign_in.SESSION_KEY) if request else None)
