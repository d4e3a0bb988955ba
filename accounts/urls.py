"""The account pages we use, one line each; allauth has more. None of them may be kept by a cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from allauth.account import views as allauth
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, re_path
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

from accounts import mfa_views, views
from accounts.fresh_proof import asks_everybody


def page(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    return re_path(rf"^{route}/$", never_cache(view), name=name)


def whole(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """What its form changes is on record, or it did not change: whoever is told of it hears it from there."""

    @wraps(view)
    def answer(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, **kwargs)
        with transaction.atomic():
            return view(request, **kwargs)

    return answer


urlpatterns = [
    page("login", views.login, "account_login"),
    page("logout", allauth.logout, "account_logout"),
    page("switch", views.switch, "account_switch"),
    page("signup", allauth.signup, "account_signup"),
    page("reauthenticate", views.reauthenticate, "account_reauthenticate"),
    page("profile", views.profile, "account_profile"),
    page("security", views.security, "account_security"),
    page("sessions", views.sessions, "account_sessions"),
    page("mails", views.mails, "account_mails"),
    page("inactive", allauth.account_inactive, "account_inactive"),
    page("email", asks_everybody(whole(views.email), on_opening=False), "account_email"),
    page("confirm-email", views.verification_sent, "account_email_verification_sent"),
    page(r"confirm-email/(?P<key>[-:\w]+)", allauth.confirm_email, "account_confirm_email"),
    page("password/change", whole(allauth.password_change), "account_change_password"),
    page("password/set", asks_everybody(whole(views.set_password)), "account_set_password"),
    page("password/reset", views.password_reset, "account_reset_password"),
    page("password/reset/done", allauth.password_reset_done, "account_reset_password_done"),
    page("password/reset/key/done", allauth.password_reset_from_key_done, "account_reset_password_from_key_done"),
    page(
        r"password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)",
        whole(views.password_reset_from_key),
        "account_reset_password_from_key",
    ),
    page("two-step", mfa_views.index, "mfa_index"),
    page("two-step/sign-in", mfa_views.authenticate, "mfa_authenticate"),
    page("two-step/confirm", mfa_views.reauthenticate, "mfa_reauthenticate"),
    page("two-step/app", asks_everybody(whole(mfa_views.activate_totp)), "mfa_activate_totp"),
    page("two-step/app/remove", whole(totp.deactivate_totp), "mfa_deactivate_totp"),
    page("recovery-codes", mfa_views.view_recovery_codes, "mfa_view_recovery_codes"),
    page("recovery-codes/new", whole(recovery_codes.generate_recovery_codes), "mfa_generate_recovery_codes"),
    page("recovery-codes/download", recovery_codes.download_recovery_codes, "mfa_download_recovery_codes"),
    page("passkeys", RedirectView.as_view(pattern_name="mfa_index"), "mfa_list_webauthn"),
    page("passkeys/add", asks_everybody(whole(mfa_views.add_webauthn)), "mfa_add_webauthn"),
    page("passkeys/sign-in", mfa_views.login_webauthn, "mfa_login_webauthn"),
    page("passkeys/confirm", mfa_views.reauthenticate_webauthn, "mfa_reauthenticate_webauthn"),
    page(r"passkeys/(?P<pk>[0-9]{1,15})/rename", webauthn.edit_webauthn, "mfa_edit_webauthn"),
    page(r"passkeys/(?P<pk>[0-9]{1,15})/remove", whole(webauthn.remove_webauthn), "mfa_remove_webauthn"),
]
