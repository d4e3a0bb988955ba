"""The pages behind the link of an invitation: who invites to what, and the ways to accept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.signup import complete_signup
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.recovery_codes.internal.flows import auto_generate_recovery_codes
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import newcomers, sign_in
from accounts.console import actor
from accounts.models import User
from accounts.newcomer_forms import FirstPasskeyForm, FirstPasswordForm
from projects import accepting
from projects.accepting import AnothersAddress, Joined, Over
from projects.invitation import Invitation
from projects.inviting import said_of
from projects.models import ConsentScreen, Member, Project

LINK, JOINED = "invitation", "invitation_joined"  # in the session


@never_cache
@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """What the link holds leaves the address at once, and looking accepts nothing: programs look, too."""
    found = accepting.of_link(token)
    if found is None:
        return _over(request)
    request.session.pop(JOINED, None)
    request.session[LINK] = found.digest
    return redirect("invitation")


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponseBase:
    found = accepting.of_digest(str(request.session.get(LINK, "")))
    if found is None:
        return redirect("invitation_done") if JOINED in request.session else _over(request)
    if request.method == "POST" and "leave" in request.POST:
        sign_in.change_person(request, LINK)
        return redirect("invitation")
    try:
        if request.user.is_authenticated:
            return _of_person(request, found)
        if newcomers.owner_of(found.email) is not None:
            return _page(request, found, {"owner": True, "login_url": _sign_in_url(found)})
        return _of_newcomer(request, found)
    except Over:
        return _over(request)
    except (AnothersAddress, IntegrityError):  # somebody was quicker: the page says what is left
        messages.error(request, _("Somebody was quicker. Try again."))
        return redirect("invitation")


@never_cache
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """To where they were invited: for who looks after a project the console, else its home page, or their apps."""
    joined = request.session.get(JOINED)
    if joined is None or not request.user.is_authenticated:
        return redirect("home")
    project = Project.objects.filter(pk=joined).first()
    if project is not None and actor(request).is_staff and _is_member(project.pk, actor(request)):
        return redirect("admin:projects_project_overview", project.pk)
    screen = ConsentScreen.objects.filter(project=project).first()
    if screen is not None and screen.homepage_uri.startswith(("https://", "http://")):
        return render(request, "account/invitation_done.html", {"location": screen.homepage_uri, "project": project})
    return redirect("account_apps")


def _of_person(request: HttpRequest, found: Invitation) -> HttpResponse:
    person = actor(request)
    owner = newcomers.owner_of(found.email)
    if owner is not None and owner.pk != person.pk:
        return _page(request, found, {"another": True, "owner": True})
    if request.method == "POST":
        return _go_on(request, accepting.accept(request, found.digest, person))
    return _page(request, found, {"another": owner is None, "may_accept": True})


def _of_newcomer(request: HttpRequest, found: Invitation) -> HttpResponseBase:
    """A new account, with a password or with a passkey. Nothing is made before one of them is right."""
    sent = request.POST if request.method == "POST" else None
    by_passkey = sent is not None and "credential" in sent
    somebody = User(email=found.email)
    password = FirstPasswordForm(None if by_passkey else sent, user=somebody)
    passkey = FirstPasskeyForm(sent if by_passkey else None, address=found.email, session=request.session)
    if by_passkey and passkey.is_valid():
        return _begin_with_passkey(request, found, passkey)
    if not by_passkey and password.is_valid():
        user = newcomers.prepared(request, found.email, password.cleaned_data["password1"])
        joined = accepting.begin(request, found.digest, user)
        record_authentication(request, user, "password", email=user.email)
        return _signed_in(request, joined, reverse("invitation_done"))
    options = {"creation_options": passkey.begin()}
    return _page(request, found, {"form": password, "passkey": passkey, "js_data": options})


def _begin_with_passkey(request: HttpRequest, found: Invitation, form: FirstPasskeyForm) -> HttpResponseBase:
    """Its recovery codes are shown next, as after any other first passkey."""
    answered = form.passkey()
    user = newcomers.prepared(request, found.email, None, answered.handle)
    joined = accepting.begin(request, found.digest, user, answered)
    if joined.passkey is not None:
        post_authentication(request, joined.passkey, passwordless=True)
    query = urlencode({REDIRECT_FIELD_NAME: reverse("invitation_done")})
    response = _signed_in(request, joined, f"{reverse('mfa_view_recovery_codes')}?{query}")
    auto_generate_recovery_codes(request)
    return response


def _signed_in(request: HttpRequest, joined: Joined, to: str) -> HttpResponseBase:
    response: HttpResponseBase = complete_signup(request, user=joined.user, redirect_url=to)
    _note(request, joined)
    return response


def _go_on(request: HttpRequest, joined: Joined) -> HttpResponse:
    _note(request, joined)
    return redirect("invitation_done")


def _note(request: HttpRequest, joined: Joined) -> None:
    request.session.pop(LINK, None)
    request.session[JOINED] = joined.project or 0
    messages.success(request, _("You have accepted the invitation."))
    if joined.project and not joined.user.is_staff and _is_member(joined.project, joined.user):
        messages.info(request, _("A superuser still has to let you into the console."))


def _is_member(project: int, person: User) -> bool:
    return Member.objects.filter(project=project, user=person).exists()


def _sign_in_url(found: Invitation) -> str:
    query = {REDIRECT_FIELD_NAME: reverse("invitation"), "login_hint": found.email}
    return f"{reverse('account_login')}?{urlencode(query)}"


def _page(request: HttpRequest, found: Invitation, more: dict[str, Any]) -> HttpResponse:
    return render(request, "account/invitation.html", {**said_of(found, ""), **more})


def _over(request: HttpRequest) -> HttpResponse:
    request.session.pop(LINK, None)
    return render(request, "account/invitation_over.html", status=404)
