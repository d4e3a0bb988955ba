"""From what a provider elsewhere told to a browser that is signed in here, or to a page that says why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts import sign_in
from accounts.models import SignIn, User
from common import clock
from projects.upstream.connectors import held
from projects.upstream.linking import Outcome
from projects.upstream.models import Connector
from projects.upstream.pages import failed
from projects.upstream.people import is_linked, settle
from projects.upstream.provider import CONFIRM
from projects.upstream.told import Told, sid_of

State = Mapping[str, object]


def complete(request: HttpRequest, connector: Connector, told: Told, state: State) -> HttpResponse:
    next_url, process = text_in(state, "next"), state.get("process")
    here = request.user if isinstance(request.user, User) else None
    if process in (AuthProcess.CONNECT, CONFIRM) and (here is None or here.sub != state.get("user")):
        return failed(request, connector, "unknown_state", "Somebody else is signed in.", next_url)
    if process == CONFIRM and not is_linked(connector, told, here):
        return failed(request, connector, "somebody_else", next_url=next_url)
    connecting = here if process == AuthProcess.CONNECT else None
    with transaction.atomic():  # whoever disables it waits, or was here before (rule G2)
        if not held(connector.key):
            return failed(request, connector, "disabled", next_url=next_url)
        outcome, user = settle(request, connector, told, connecting)
    if outcome is Outcome.UNKNOWN or user is None:
        return failed(request, connector, "unknown", next_url=next_url)
    if outcome is Outcome.ANOTHERS:
        return failed(request, connector, "anothers")
    if outcome is Outcome.INACTIVE:
        return redirect("account_inactive")
    if connecting is not None:
        messages.success(request, _("This sign-in is linked to your account."))
        return redirect("upstream_linked")
    return signed_in(request, connector, since_asked(told, state), user, next_url)


def since_asked(told: Told, state: State) -> Told:
    """Who was asked anew there proved it after they left, whatever the clock there says to the second."""
    asked_at = state.get("asked_anew_at")
    if not isinstance(asked_at, float):
        return told
    return replace(told, auth_time=max(asked_at, told.auth_time or 0))


def text_in(state: State, name: str) -> str:
    found = state.get(name)
    return found if isinstance(found, str) else ""


def signed_in(request: HttpRequest, connector: Connector, told: Told, user: User, next_url: str) -> HttpResponse:
    """Through the steps that every sign-in takes here: a second one, a verified address, and what ended meanwhile."""
    row = sign_in.current(request) if request.user == user else None
    if row is not None:
        return _proved_again(request, connector, told, user, row, next_url)
    if request.user.is_authenticated:
        _change_person(request)
    moment = told.auth_time if told.auth_time is not None else _moment_untold(request, user)
    record(request, connector, replace(told, auth_time=moment), user)
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=next_url or None))
    return response


def _proved_again(
    request: HttpRequest, connector: Connector, told: Told, user: User, row: SignIn, next_url: str
) -> HttpResponse:
    """From now on the sign-in stands on the connector as well, and ends with it. What does not say when they proved it
    there proves nothing anew: whoever sits at a browser that was left gets it without a question."""
    with transaction.atomic():
        if not held(connector.key):
            return failed(request, connector, "disabled", next_url=next_url)
        SignIn.objects.filter(pk=row.pk, connector="").update(connector=connector.key)
        SignIn.objects.filter(pk=row.pk, connector=connector.key).update(
            upstream_sid=sid_of(connector.key, told.session)
        )
        if told.auth_time is not None:
            record(request, connector, told, user)
    return redirect(next_url or "home")


def _moment_untold(request: HttpRequest, user: User) -> float | None:
    """When they proved it there, where it does not say: too long ago for anything that asks, if they can be asked anew.
    Else signing out and in would be a fresh proof without a question. Who has no other proof has given what there is.
    """
    if not sign_in.can_prove_again(request, user):
        return None
    return clock.now().timestamp() - settings.SESSION_COOKIE_AGE


def _change_person(request: HttpRequest) -> None:
    """Somebody else was signed in here; the apps that wait go on waiting."""
    waiting = {key: request.session[key] for key in sign_in.OF_APPS if key in request.session}
    sign_in.sign_out(request)
    for key, requests in waiting.items():
        request.session[key] = requests


def record(request: HttpRequest, connector: Connector, told: Told, user: User) -> None:
    """What the sign-in stands on. What was proved there in which way counts only where the connector says so (U3)."""
    counts = connector.trusts_mfa
    strong = counts and ("mfa" in told.amr or told.acr in connector.mfa_acr_values)
    record_authentication(
        request,
        user,
        sign_in.UPSTREAM,
        connector=connector.key,
        upstream_sid=sid_of(connector.key, told.session) or None,
        amr=list(told.amr) if counts and told.amr else None,
        mfa=True if strong else None,
        proved_at=told.auth_time,
    )
