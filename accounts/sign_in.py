"""Facts of the current sign-in: who is signed in at this browser, since when, and by which methods.

The browser session keeps a `sid`. Its SignIn row holds the facts that tokens contain, and the row decides: once it has
ended, the session signs nobody in, whatever else it holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.logout import logout
from allauth.account.internal.stagekit import get_pending_stage
from allauth.account.signals import authentication_step_completed
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from accounts import events, methods
from accounts.browsers import user_agent_of
from accounts.models import AccountEventKind, SignIn, User
from accounts.stages import password_is_the_same
from common import clock
from common.address import address_of

SESSION_KEY = "sign_in"
# Which requests of apps wait for a fresh sign-in, and since when; and which pushed ones this browser has begun with.
# Kept when the account changes, or they never end.
PROOF_KEY = "proof_wanted"
BEGUN_KEY = "requests_begun"
OF_APPS = (PROOF_KEY, BEGUN_KEY)
# What somebody typed on a page of the console that asks them first who they are (`projects.kept_forms`). Who can only
# prove it by signing in anew finds it there, and nobody else does.
TYPED_KEY = "typed"
SEEN_INTERVAL = timedelta(hours=1)
ENROLLED, UPSTREAM = methods.ENROLLED, methods.UPSTREAM
# What proves a first factor once more, as the adapter calls it: the password, or a provider elsewhere.
_FIRST_AGAIN = ("reauthenticate", UPSTREAM)

# Every `acr` there is, weakest first: one factor; two, or a passkey that verified its person. Named after the levels
# of NIST SP 800-63B, to which they correspond; docs/decisions/0050.
ACR_VALUES = ("aal1", "aal2")


def current(request: HttpRequest) -> SignIn | None:
    """The live sign-in of this browser, or None: nobody is signed in, the person is deactivated, or it has ended."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    row = _live_row(request, user)
    if row is not None:
        _update_from_session(request, user, row)
    return row


def reauthenticate_url(request: HttpRequest, next_url: str) -> str:
    """Where a signed-in person authenticates again, here or elsewhere, and then goes on to `next_url`.

    Somebody who can do neither signs out and in again.
    """
    for url in _first_again(request, request.user):
        return f"{url}?{urlencode({REDIRECT_FIELD_NAME: next_url})}"
    return switch_url(next_url)


def can_prove_again(request: HttpRequest, user: User) -> bool:
    """Whether this person can be asked anew for a first factor: otherwise signing in is all they can do."""
    return bool(_first_again(request, user))


def _first_again(request: HttpRequest, user: AbstractBaseUser | AnonymousUser) -> list[str]:
    found = get_adapter(request).get_reauthentication_methods(user)
    return [str(method["url"]) for method in found if method["id"] in _FIRST_AGAIN]


def pending_user(request: HttpRequest) -> User | None:
    """Whose sign-in in this browser waits for its next step, such as a second factor.

    A sign-up counts for nobody: one with a taken address has no person, and apps must not see which it is.
    """
    stage = get_pending_stage(request)
    if stage is None or stage.login.signup or not password_is_the_same(stage.login):
        return None
    user = stage.login.user
    return user if isinstance(user, User) and user.is_active else None


def levels_met_by(acr: str) -> frozenset[str]:
    """Every level that a sign-in of this level satisfies."""
    return frozenset(wanted for wanted in ACR_VALUES if satisfies(acr, wanted))


def can_step_up(user: User) -> bool:
    """Whether this person has a second factor set up."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return bool(Authenticator.objects.filter(user=user, type__in=kinds).exists())


def step_up_url(request: HttpRequest, next_url: str) -> str:
    """Where a signed-in person adds the factor that `aal2` still lacks, and then goes on to `next_url`.

    Somebody without a second factor gets the page to set one up. Call this again after each step: a session that began
    without a password needs both.
    """
    row = current(request)
    if row is None:
        return _with_next("account_login", next_url)
    if methods.SECOND_FACTORS.intersection(row.amr):
        return reauthenticate_url(request, next_url)
    enrolled = set(Authenticator.objects.filter(user=row.user_id).values_list("type", flat=True))
    if Authenticator.Type.TOTP in enrolled:
        return _with_next("mfa_reauthenticate", next_url)
    if Authenticator.Type.WEBAUTHN in enrolled:
        return _with_next("mfa_reauthenticate_webauthn", next_url)
    return _with_next("mfa_index", next_url)


def acr_of(amr: Sequence[str]) -> str:
    """The level that these methods reach: one of ACR_VALUES, or '' when no method is known."""
    if "mfa" in amr:
        return "aal2"
    return "aal1" if amr else ""


def satisfies(acr: str, wanted: str) -> bool:
    """Whether a sign-in of level `acr` satisfies `wanted`. Unknown levels satisfy nothing and are never satisfied."""
    if acr not in ACR_VALUES or wanted not in ACR_VALUES:
        return False
    return ACR_VALUES.index(acr) >= ACR_VALUES.index(wanted)


def switch_url(next_url: str) -> str:
    """Where a signed-in person signs out, signs in as somebody else, and then goes on to `next_url`."""
    return _with_next("account_switch", next_url)


def end_all(user: AbstractBaseUser, *, keep: str | None = None) -> None:
    """End every sign-in of this person, in all browsers; `keep` is the `sid` of one that goes on."""
    live = SignIn.objects.filter(user_id=user.pk, ended_at=None)
    if keep is not None:
        live = live.exclude(sid=keep)
    live.update(ended_at=clock.now())


def live(user: User) -> QuerySet[SignIn]:
    """The browsers that this person is signed in with, the one used last first."""
    rows = SignIn.objects.filter(user=user, ended_at=None, seen_at__gte=session_cutoff(clock.now()))
    return rows.order_by("-seen_at", "-auth_time")


def session_cutoff(now: datetime) -> datetime:
    """A browser last seen before this moment has no session any more.

    Browsers drop sessions without telling us, so the row of such a sign-in never ends.
    """
    return now - timedelta(seconds=settings.SESSION_COOKIE_AGE) - SEEN_INTERVAL


def end_one(user: User, sid: uuid.UUID) -> bool:
    """End one sign-in of this person, in whatever browser it is. False when they have no such sign-in."""
    return bool(SignIn.objects.filter(sid=sid, user=user, ended_at=None).update(ended_at=clock.now()))


def end(request: HttpRequest) -> None:
    """End the sign-in of this browser, if it has one."""
    sid = request.session.pop(SESSION_KEY, None)
    if sid is not None:
        SignIn.objects.filter(sid=sid, ended_at=None).update(ended_at=clock.now())


def sign_out(request: HttpRequest) -> None:
    """Sign this browser out: its sign-in ends, and its session is emptied."""
    logout(request, show_message=False)


def change_person(request: HttpRequest, *kept: str) -> None:
    """Sign this browser out, but what is under these names in its session stays, and apps still get their answers."""
    waiting = {key: request.session[key] for key in (*OF_APPS, *kept) if key in request.session}
    sign_out(request)
    for key, value in waiting.items():  # signing out emptied the session
        request.session[key] = value


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Treat a session as signed in only while its SignIn row is live.

    Without this, somebody whose sign-in was ended elsewhere would keep the account pages and the console, and would be
    redirected in circles: signed out for apps, but signed in for the login page.
    """

    def handle(request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(lambda: _user_of_live_sign_in(request))  # type: ignore[assignment]
        return get_response(request)

    return handle


def _user_of_live_sign_in(request: HttpRequest) -> User | AnonymousUser:
    user = get_user(request)
    if isinstance(user, User) and _live_row(request, user) is None:
        request.session.flush()
        return AnonymousUser()
    return user


def _live_row(request: HttpRequest, user: User) -> SignIn | None:
    sid = request.session.get(SESSION_KEY)
    if sid is None:
        return None
    row: SignIn | None = getattr(request, "_sign_in", None)
    if row is None or str(row.sid) != sid or row.user_id != user.pk or row.ended_at is not None:
        row = SignIn.objects.filter(sid=sid, user=user, ended_at=None).first()
        request._sign_in = row  # type: ignore[attr-defined]
        if row is not None and clock.now() - row.seen_at > SEEN_INTERVAL:
            SignIn.objects.filter(pk=row.pk).update(seen_at=clock.now())
    return row


@receiver(user_logged_in, dispatch_uid="accounts.begin_sign_in")
def _begin(request: HttpRequest, user: User, **kwargs: object) -> None:
    end(request)
    auth_time, amr = methods.proved(get_authentication_records(request, user))
    came_by = _upstream_record(request, user)
    row = SignIn.objects.create(
        user=user,
        auth_time=auth_time or clock.now(),
        amr=amr,
        acr=acr_of(amr),
        connector=str(came_by.get("connector", "")),
        upstream_sid=str(came_by.get("upstream_sid", "")),
        user_agent=user_agent_of(request),
        address=address_of(request)[:45],
        language=(get_language() or "")[:10],
    )
    request.session[SESSION_KEY] = str(row.sid)
    request.session.set_expiry(settings.SESSION_COOKIE_AGE)  # until now it may have been a visitor's, which ends soon
    events.record(user, AccountEventKind.SIGN_IN, request, amr=amr, user_agent=row.user_agent)


@receiver(authentication_step_completed, dispatch_uid="accounts.time_of_authentication")
def _at_time_of_database(request: HttpRequest, user: User, **kwargs: object) -> None:
    """allauth has just recorded it with the time of this node. Others compare it.

    Who proved it elsewhere may have done so some time ago.
    """
    if records := get_authentication_records(request, user):
        now = clock.now().timestamp()
        records[-1]["at"] = min(now, float(records[-1].get("proved_at") or now))


@receiver(user_logged_out, dispatch_uid="accounts.end_sign_in")
def _end(request: HttpRequest, **kwargs: object) -> None:
    end(request)


def _update_from_session(request: HttpRequest, user: User, row: SignIn) -> None:
    """Take over newer authentications of this session. They move `auth_time` forward, never back."""
    auth_time, amr = methods.proved(get_authentication_records(request, user))
    if auth_time is None or auth_time < row.auth_time or (auth_time, amr) == (row.auth_time, row.amr):
        return
    row.auth_time, row.amr, row.acr = auth_time, amr, acr_of(amr)
    SignIn.objects.filter(pk=row.pk, ended_at=None).update(auth_time=auth_time, amr=amr, acr=row.acr)


def _upstream_record(request: HttpRequest, user: User) -> dict[str, Any]:
    """How this person signed in elsewhere, if that is how they came."""
    records = [one for one in get_authentication_records(request, user) if one["method"] == UPSTREAM]
    return records[-1] if records else {}


def connector_of(request: HttpRequest, user: User) -> str:
    """The key of the connector by which they came; empty: they signed in here."""
    return str(_upstream_record(request, user).get("connector", ""))


def did_second_step_elsewhere(request: HttpRequest, user: User) -> bool:
    return bool(_upstream_record(request, user).get("mfa"))


def _with_next(name: str, next_url: str) -> str:
    return f"{reverse(name)}?{urlencode({REDIRECT_FIELD_NAME: next_url})}"
