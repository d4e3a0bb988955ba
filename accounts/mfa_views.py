"""Pages of two-step verification: allauth's, which also remember the app that somebody is signing in to."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.stagekit import clear_login, get_pending_stage
from allauth.account.mixins import NextRedirectMixin
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url, passthrough_next_redirect_url
from allauth.mfa.base import views as base
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from accounts import sign_in, stages
from accounts.console import actor
from accounts.models import User


class NextUrlMixin(NextRedirectMixin):
    """A page that people may visit while they sign in to an app: it passes `next` on to the page after it."""

    request: HttpRequest

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        next_url = get_next_redirect_url(self.request) or ""
        next_query = f"?{urlencode({REDIRECT_FIELD_NAME: next_url})}" if next_url else ""
        context: dict[str, object] = super().get_context_data(**kwargs)  # type: ignore[no-untyped-call]
        return {**context, "next": next_url, "next_query": next_query}


class IndexView(NextUrlMixin, base.IndexView):
    pass


class AuthenticateView(base.AuthenticateView):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """What nobody can complete ends before its code: this page and the one to sign in would lead to each other."""
        waiting = get_pending_stage(request)
        if waiting is not None and waiting.key == AuthenticateStage.key:
            over = stages.refusal(request, waiting.login) or self._without_a_factor(waiting.login)
            if over is not None:
                clear_login(request)
                return over
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    @staticmethod
    def _without_a_factor(login: Login) -> HttpResponse | None:
        """Somebody lost their devices, and an administrator removed the second step: the password is asked for anew."""
        if isinstance(login.user, User) and sign_in.can_step_up(login.user):
            return None
        to, next_url = reverse("account_login"), login.redirect_url
        return HttpResponseRedirect(f"{to}?{urlencode({REDIRECT_FIELD_NAME: next_url})}" if next_url else to)

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        types = Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True)
        # The forms name where they lead, for whoever sends one when another tab has signed in already.
        next_url = self.stage.login.redirect_url or ""
        return {**super().get_context_data(**kwargs), "types": set(types), "next": next_url}


class ReauthenticationMixin:
    """What both pages that ask for a second factor again have in common."""

    request: HttpRequest

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        next_url = get_next_redirect_url(self.request) or reverse("home")
        context: dict[str, object] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**context, "switch_url": sign_in.switch_url(next_url)}


class ReauthenticateView(ReauthenticationMixin, base.ReauthenticateView):
    pass


class ReauthenticateWebAuthnView(ReauthenticationMixin, webauthn.ReauthenticateWebAuthnView):
    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """Show the page again, with `next`. allauth would redirect to the sign-in page and lose it."""
        _show_errors(self.request, form)
        return HttpResponseRedirect(_with_next(self.request, self.request.path))


class EnrolmentMixin(NextUrlMixin):
    """A factor that was just set up was just used, too: whoever needs two for an app is not asked again.

    The first factor signs every other browser out: none of them used it, and somebody who knows the password may sit
    there.
    """

    did_generate_recovery_codes: bool

    def get_success_url(self) -> str:
        to = "mfa_view_recovery_codes" if self.did_generate_recovery_codes else "mfa_index"
        return _with_next(self.request, reverse(to))

    def record_use(self, kind: str) -> None:
        record_authentication(self.request, actor(self.request), "mfa", type=kind, **{sign_in.ENROLLED: True})
        if self.did_generate_recovery_codes:  # there were none, so there was no other factor
            sign_in.end_all(actor(self.request), keep=self.request.session.get(sign_in.SESSION_KEY))


class ActivateTOTPView(EnrolmentMixin, totp.ActivateTOTPView):
    def form_valid(self, form: object) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        self.record_use(Authenticator.Type.TOTP)
        return response


class AddWebAuthnView(EnrolmentMixin, webauthn.AddWebAuthnView):
    def form_valid(self, form: object) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        self.record_use(Authenticator.Type.WEBAUTHN)
        return response


class ViewRecoveryCodesView(NextUrlMixin, recovery_codes.ViewRecoveryCodesView):
    pass


class LoginWebAuthnView(webauthn.LoginWebAuthnView):
    """Signing in with a passkey alone. A browser that asks for JSON gets the challenge."""

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        _show_errors(self.request, form)
        return HttpResponseRedirect(_with_next(self.request, reverse("account_login")))


def _with_next(request: HttpRequest, url: str) -> str:
    return str(passthrough_next_redirect_url(request, url, REDIRECT_FIELD_NAME))


def _show_errors(request: HttpRequest, form: BaseForm) -> None:
    for error in form.errors.get("credential", []):
        messages.error(request, str(error))


index = IndexView.as_view()
authenticate = AuthenticateView.as_view()
reauthenticate = ReauthenticateView.as_view()
reauthenticate_webauthn = ReauthenticateWebAuthnView.as_view()
activate_totp = ActivateTOTPView.as_view()
add_webauthn = AddWebAuthnView.as_view()
view_recovery_codes = ViewRecoveryCodesView.as_view()
login_webauthn = LoginWebAuthnView.as_view()
