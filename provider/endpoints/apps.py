"""Apps with access: what people allowed each project, and taking it back. Works without scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from projects.apis import apis_near
from projects.consent import Permission
from projects.models import TokenFormat
from provider import access, guest_access
from provider.access import Access, NotGranted
from provider.endpoints import permission_words
from provider.endpoints.consent_blocks import REQUIRED
from provider.endpoints.durations import duration
from provider.protocol.facts import Registry

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Removal:
    """What a form asks to remove: one scope, one audience, or with neither everything."""

    scope: str = ""
    audience: str = ""

    @property
    def everything(self) -> bool:
        return not (self.scope or self.audience)


def account_page(view: View) -> View:
    """For the person alone, and for no cache."""
    return never_cache(login_required(view))


@account_page
@require_safe
def apps(request: HttpRequest) -> HttpResponse:
    """Every project that has access, the one used last first."""
    found = [
        {"access": one, "name": permission_words.app_name(one.project)} for one in access.list_access(_person(request))
    ]
    return render(request, "account/apps.html", {"apps": found, "guests": _guests(_person(request))})


def _guests(person: User) -> list[dict[str, object]]:
    """Where each is and what it may do: all of it on one page, with the button that ends it."""
    return [
        {
            "access": one,
            "project_name": permission_words.app_name(one.project),
            "groups": permission_words.groups(one.project, one.held.scopes, one.held.audiences),
        }
        for one in guest_access.list_guests(person)
    ]


@account_page
@require_POST
def end_guest(request: HttpRequest, client: int, key: str) -> HttpResponse:
    """At once: codes, refresh tokens and every token that is asked about."""
    if guest_access.end_guest(_person(request), client, key):
        messages.success(request, _("Ended. The app has no access any more."))
    else:
        messages.info(request, _("This had ended already."))
    return redirect("account_apps")


@account_page
@require_safe
def app(request: HttpRequest, key: str) -> HttpResponse:
    """One project: what it may do, where, since when, and which of its apps used it."""
    one = _access(request, key)
    screen = permission_words.screen_of(one.project)
    shares = bool(one.shown) and not one.first_party
    clients = [use.client for use in one.uses]
    return render(
        request,
        "account/app.html",
        {
            "access": one,
            "name": permission_words.app_name(one.project),
            "groups": permission_words.groups(one.project, one.held.scopes, one.held.audiences),
            "places": permission_words.places(one.shown.audiences),
            "required": REQUIRED,
            "open_to_me": {client.pk for client in permission_words.let_in(_person(request), clients)},
            "siblings": permission_words.siblings(
                one.project, _person(request), *(client.client_id for client in clients)
            )
            if shares
            else [],
            "policy_uri": screen.policy_uri,
            "support_email": screen.support_email,
        },
    )


@account_page
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """GET says what would go; only the POST of that page takes it back."""
    person, one = _person(request), _access(request, key)
    sent = request.POST if request.method == "POST" else request.GET
    removal = Removal(sent.get("scope", ""), sent.get("audience", ""))
    try:
        if request.method != "POST":
            return _ask(request, one, removal)
        return _take_back(request, person, one, removal)
    except NotGranted:
        messages.error(request, _("This is not allowed any more. Nothing was changed."))
        return redirect("account_app", key=key)


def _ask(request: HttpRequest, one: Access, removal: Removal) -> HttpResponse:
    gone = one.held if removal.everything else _going(one, removal)
    scopes = [
        line for group in permission_words.groups(one.project, gone.scopes, one.held.audiences) for line in group.lines
    ]
    screen = permission_words.screen_of(one.project)
    context = {
        "access": one,
        "name": permission_words.app_name(one.project),
        "removal": removal,
        "what": _named(one, removal),
        "scopes": scopes,
        "places": permission_words.places(gone.audiences),
        "signed_out": [use.client for use in one.uses],
        "goes_on": goes_on(one),
        "policy_uri": screen.policy_uri,
        "support_email": screen.support_email,
    }
    return render(request, "account/app_remove.html", context)


def _take_back(request: HttpRequest, person: User, one: Access, removal: Removal) -> HttpResponse:
    name = permission_words.app_name(one.project)
    if removal.everything:
        access.revoke_all(person, one.project.key)
        done = _("%(app)s is signed out everywhere.") if one.first_party else _("%(app)s has no access any more.")
        messages.success(request, done % {"app": name})
        return redirect("account_apps")
    _going(one, removal)
    what = _named(one, removal)
    access.revoke(person, one.project.key, scope=removal.scope, audience=removal.audience)
    messages.success(request, _("Taken back from %(app)s: %(what)s") % {"app": name, "what": what})
    return redirect("account_app", key=one.project.key) if _still(person, one) else redirect("account_apps")


def _going(one: Access, removal: Removal) -> Permission:
    """What would go. Knowing who the person is goes only with everything: without it no app can sign them in."""
    if removal.scope in REQUIRED:
        raise NotGranted
    return access.would_revoke(one, scope=removal.scope, audience=removal.audience)


def _named(one: Access, removal: Removal) -> str:
    """The scope or audience in words."""
    if removal.everything:
        return ""
    if removal.audience:
        return str(permission_words.places([removal.audience])[0])
    (line,) = [
        line
        for group in permission_words.groups(one.project, [removal.scope], one.held.audiences)
        for line in group.lines
    ]
    return str(line)


def goes_on(one: Access) -> str:
    """How long an API that checks JWTs by itself may go on accepting one; empty when none is issued."""
    registry = Registry(apis=apis_near(one.held.audiences))
    apis = [api for value in one.held.audiences if (api := registry.resolve(value))]
    at_api = any(api.token_format == TokenFormat.JWT for api in apis)
    clients = [use.client for use in one.uses]
    jwt = [each.access_token_lifetime for each in clients if at_api or each.access_token_format == TokenFormat.JWT]
    return duration(max(jwt)) if jwt else ""


def _access(request: HttpRequest, key: str) -> Access:
    try:
        return access.get_access(_person(request), key)
    except NotGranted:
        raise Http404 from None


def _still(person: User, one: Access) -> bool:
    try:
        access.get_access(person, one.project.key)
    except NotGranted:
        return False
    return True


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)  # account_page lets nobody else in
