"""The account pages we use, one line each; allauth has more. None of them may be kept by a cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account import views as allauth
from django.urls import URLPattern, re_path
from django.views.decorators.cache import never_cache

from idp.accounts import views


def page(route: str, view: Callable[..., Any], name: str) -> URLPattern:
    return re_path(rf"^{route}/$", never_cache(view), name=name)


urlpatterns = [
    page("login", views.login, "account_login"),
    page("logout", allauth.logout, "account_logout"),
    page("switch", views.switch, "account_switch"),
    page("signup", allauth.signup, "account_signup"),
    page("reauthenticate", views.reauthenticate, "account_reauthenticate"),
    page("inactive", allauth.account_inactive, "account_inactive"),
    page("email", views.email, "account_email"),
    page("confirm-email", allauth.email_verification_sent, "account_email_verification_sent"),
    page(r"confirm-email/(?P<key>[-:\w]+)", allauth.confirm_email, "account_confirm_email"),
    page("password/change", allauth.password_change, "account_change_password"),
    page("password/set", allauth.password_set, "account_set_password"),
    page("password/reset", allauth.password_reset, "account_reset_password"),
    page("password/reset/done", allauth.password_reset_done, "account_reset_password_done"),
    page("password/reset/key/done", allauth.password_reset_from_key_done, "account_reset_password_from_key_done"),
    page(
        r"password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)",
        allauth.password_reset_from_key,
        "account_reset_password_from_key",
    ),
]
