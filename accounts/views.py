"""Account pages that allauth lacks, and additions to those that it has."""

from __future__ import annotations

import uuid
from urllib.parse import parse_qs, urlencode, urlsplit

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_at_login
from allauth.account.internal.flows.reauthentication import (
    is_reauthentication_required,
    raise_if_reauthentication_required,
)
from allauth.account.internal.stagekit import get_pending_stage, stash_login
from allauth.account.stages import EmailVerificationStage, LoginStage
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import events, notices, sign_in
from accounts.adapter import belongs_to_another
from accounts.browsers import describe
from accounts.console import actor
from accounts.forms import ProfileForm
from accounts.models import AccountEventKind, SignIn, User
from common import sealing

RESET_PURPOSE = "password reset"
RESET_NEXT = "reset_next"  # in the session: where somebody was going who forgot their password
MAX_SHOWN = 50  # browsers on one page
MAX_LOGIN_HINT = 254  # characters of a name or address that an app may hint at


class LoginView(allauth.LoginView):
    def get_initial(self) -> dict[str, object]:
        """An app may say who it expects (`login_hint`, OpenID Connect Core 1.0 section 3.1.2.1): only filled in."""
        query = urlsplit(get_next_redirect_url(self.request) or "").query
        return {**super().get_initial(), "login": _login_hint(self.request.GET.urlencode()) or _login_hint(query)}

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> HttpResponseRedirect | None:
        """Somebody between two steps who arrives from another app goes on to that app."""
        if next_url := get_next_redirect_url(request):
            stage.login.redirect_url = next_url
            stash_login(request, stage.login)
        response: HttpResponseRedirect | None = super()._redirect_to_pending_stage(request, stage)
        return response

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return {**super().get_context_data(**kwargs), "signup_open": settings.IDP_SIGNUP_OPEN}


class ReauthenticateView(allauth.ReauthenticateView):
    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        next_url = get_next_redirect_url(self.request) or reverse("home")
        return {**super().get_context_data(**kwargs), "switch_url": sign_in.switch_url(next_url)}


class VerificationSentView(allauth.EmailVerificationSentView):
    """Whoever waits for the mail may have it sent again. What is said is the same whether or not it goes out."""

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return {**super().get_context_data(**kwargs), "waits": self._stage() is not None}

    def post(self, request: HttpRequest) -> HttpResponse:
        if stage := self._stage():
            send_verification_email_at_login(request, stage.login)
            text = _("The mail is sent again, unless one was sent within the last three minutes.")
            messages.info(request, text)
        return redirect("account_email_verification_sent")

    def _stage(self) -> LoginStage | None:
        """The sign-in of this browser, if it waits for that."""
        stage = get_pending_stage(self.request)
        return stage if stage is not None and stage.key == EmailVerificationStage.key else None


class PasswordResetView(allauth.PasswordResetView):
    """Whoever forgets their password on the way to an app still gets there: in this browser, with a new one."""

    def get_success_url(self) -> str:
        next_url = get_next_redirect_url(self.request) or ""
        if next_url:
            self.request.session[RESET_NEXT] = next_url
            if not self.request.user.is_authenticated:
                self.request.session.set_expiry(settings.PASSWORD_RESET_TIMEOUT)
        return _leading_to(reverse("account_reset_password_done"), next_url)


class PasswordResetFromKeyView(allauth.PasswordResetFromKeyView):
    def get_success_url(self) -> str:
        next_url = str(self.request.session.pop(RESET_NEXT, ""))
        return _leading_to(reverse("account_reset_password_from_key_done"), next_url)

    def dispatch(self, request: HttpRequest, uidb36: str, key: str, **kwargs: object) -> HttpResponseBase:
        """The key of the mail waits in the session for the form, sealed there: whoever has it sets the password."""
        session, name = request.session, allauth.INTERNAL_RESET_SESSION_KEY
        if name in session:
            session[name] = _unsealed(session[name])
        try:
            response: HttpResponseBase = super().dispatch(request, uidb36, key, **kwargs)
        finally:
            if name in session:
                session[name] = sealing.seal(RESET_PURPOSE, session[name])
        return response


def _leading_to(url: str, next_url: str) -> str:
    return f"{url}?{urlencode({REDIRECT_FIELD_NAME: next_url})}" if next_url else url


def _unsealed(key: str) -> str:
    try:
        return sealing.unseal(RESET_PURPOSE, key)
    except sealing.Unreadable:
        return ""  # the page says that the link is not valid


class EmailView(allauth.EmailView):
    def _action_primary(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse | None:
        """Only a verified address becomes the primary one: apps identify people by it."""
        address = self._get_email_address(request)
        if address is not None and (not address.verified or belongs_to_another(address)):
            messages.error(request, _("Verify this address before you make it the primary one."))
            return redirect("account_email")
        response: HttpResponse | None = super()._action_primary(request, *args, **kwargs)
        return response


@login_required
def set_password(request: HttpRequest) -> HttpResponseBase:
    """A first password opens the account for good, so setting it needs a recent authentication.

    A form that came too late is not stored until then, as allauth would do: it contains a password.
    """
    if request.method == "POST" and is_reauthentication_required(request, app="idp"):
        return redirect("account_set_password")
    raise_if_reauthentication_required(request, app="idp")
    return allauth.password_set(request)


@login_required
def security(request: HttpRequest) -> HttpResponse:
    """The password, the second steps and the sign-ins of the account, on one page."""
    person = actor(request)
    types = set(Authenticator.objects.filter(user=person).values_list("type", flat=True))
    context = {"types": types, "browsers": sign_in.live(person).count()}
    return render(request, "account/security.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    person = actor(request)
    form = ProfileForm(request.POST if request.method == "POST" else None, person)
    if form.is_valid():
        form.save(request)
        messages.success(request, _("Your profile is saved."))
        return redirect("account_profile")
    return render(request, "account/profile.html", {"form": form})


@login_required
@require_http_methods(["GET", "POST"])
def mails(request: HttpRequest) -> HttpResponse:
    """Which mails about their account come: the grave ones always, the others as they wish."""
    person = actor(request)
    if request.method == "POST":
        notices.choose(person, set(request.POST.getlist("mail")), request)
        messages.success(request, _("Your choice is saved."))
        return redirect("account_mails")
    choices = [
        {"kind": kind, "words": words, "wanted": notices.wants(person, kind)} for kind, words in notices.CHOICES.items()
    ]
    return render(request, "account/mails.html", {"choices": choices, "always": notices.ALWAYS})


@login_required
@require_http_methods(["GET", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in. They end one sign-in, or all but this one."""
    person, current = actor(request), sign_in.current(request)
    if request.method == "POST" and current is not None:
        _end_sessions(request, person, current)
        return redirect("account_sessions")
    rows = [
        {"row": row, "browser": describe(row.user_agent), "is_current": current is not None and row.pk == current.pk}
        for row in sign_in.live(person)[:MAX_SHOWN]
    ]
    return render(request, "account/sessions.html", {"rows": sorted(rows, key=lambda one: not one["is_current"])})


def _end_sessions(request: HttpRequest, person: User, current: SignIn) -> None:
    if "others" in request.POST:
        sign_in.end_all(person, keep=str(current.sid))
    else:
        try:
            ended = sign_in.end_one(person, uuid.UUID(request.POST.get("sid", "")))
        except ValueError:
            ended = False
        if not ended:
            return
    events.record(person, AccountEventKind.SESSION_ENDED, request)
    messages.success(request, _("Signed out there."))


def _login_hint(query: str) -> str:
    """The one login_hint of this query, when it could be a name or address; else ''."""
    try:
        hints = parse_qs(query, max_num_fields=100).get("login_hint", [])
    except ValueError:
        return ""
    hint = hints[0] if len(hints) == 1 else ""
    return hint if len(hint) <= MAX_LOGIN_HINT and hint.isprintable() else ""


def sign_in_once_more(request: HttpRequest, next_url: str) -> HttpResponseBase:
    """The sign-in form anew, for what was sent is not believed: filled in, but never the password."""
    again = QueryDict(mutable=True)
    if next_url:
        again[REDIRECT_FIELD_NAME] = next_url
    again["login_hint"] = request.POST.get("login", "")
    request.method, request.GET, request.POST = "GET", again, QueryDict()  # type: ignore[assignment]
    text = _("This form was no longer valid: it was open for too long, or your browser blocks cookies. Sign in again.")
    messages.warning(request, text)
    response = login(request)
    if response.status_code == 200:
        response.status_code = 403
    return response


login = LoginView.as_view()
reauthenticate = ReauthenticateView.as_view()
email = EmailView.as_view()
verification_sent = VerificationSentView.as_view()
password_reset = PasswordResetView.as_view()
password_reset_from_key = PasswordResetFromKeyView.as_view()


@require_http_methods(["GET", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """Use another account: sign out (by POST, so that no link can do it), sign in, and go on to `next`."""
    next_url = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    if not get_adapter().is_safe_url(next_url):
        next_url = ""
    if request.method == "GET" and request.user.is_authenticated:
        return render(request, "account/switch.html", {"next": next_url})
    sign_in.change_person(request, sign_in.TYPED_KEY)
    login_url = reverse("account_login")
    return redirect(_leading_to(login_url, next_url))
