"""The consent page: what is asked, in plain words; and the person's answer."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts import sign_in
from clients.identifiers import shown_place
from common import clock
from projects import logos
from projects.consent import Permission, missing
from projects.models import ConsentScreen, Project
from provider.endpoints import grant_end, guest_words, permission_words
from provider.endpoints.app_pages import logo_of, pages_of
from provider.endpoints.consent_blocks import REQUIRED, Blocks
from provider.endpoints.interaction import EndUser, asked, fingerprint
from provider.kept_requests import shortened
from provider.protocol import guests
from provider.protocol.request import AuthorizationRequest, Choice

PAGE = "consent.html"
SALT = "clients.consent"
MAX_AGE = 3600  # seconds a shown page stays good


@dataclass(frozen=True, slots=True)
class Device:
    """What a person compares with the device they have before them."""

    code: str
    address: str  # where it asked from
    at: datetime
    is_near: bool  # in the network of this browser

    @property
    def is_new(self) -> bool:
        return clock.now() - self.at < timedelta(minutes=1)


class OutdatedConsent(Exception):
    """What this person was shown, or allowed before, is not what would be granted now: they are asked anew."""


def show(
    request: HttpRequest, decided: AuthorizationRequest, end_user: EndUser, device: Device | None = None
) -> HttpResponse:
    """Ask for what is missing, and show what was allowed before; everything when nothing is missing."""
    project = Project.objects.select_related("consent_screen").get(pk=decided.client.project.id)
    response = render(request, PAGE, on_page(request, decided, end_user, project, device))
    response["Cache-Control"] = "no-store"
    return response


def on_page(
    request: HttpRequest,
    decided: AuthorizationRequest,
    end_user: EndUser,
    project: Project,
    device: Device | None = None,
) -> dict[str, object]:
    """What the page says. For a device the answer goes to the address of this page; else it has one of its own."""
    channel, params = decided.channel, decided.params
    wanted = asked(decided)
    new = to_ask(decided, wanted, end_user.given) or wanted
    also_usable = _also_usable(decided, wanted, new, end_user)
    ends = grant_end.options(decided, end_user)
    offered = functools.partial(_offered, decided)
    page = Blocks(project, decided, wanted, new, end_user.given, also_usable, offered).page()
    return {
        **_of_the_app(project, decided),
        "redirect_host": "" if device else shown_place(channel.redirect_uri),
        "device": device,
        "person": end_user.user,
        "switch_url": sign_in.switch_url(shortened(request.get_full_path())),
        "action": request.get_full_path() if device else f"{reverse('consent')}?{params.query}",
        "seen": _seal(decided, end_user, new, also_usable, [one.value for one in ends]),
        "asked": page.blocks,
        "before": page.before,
        "governs": page.governs,
        "siblings": permission_words.siblings(project, end_user.user, decided.client.client_id)
        if channel.shares_consent
        else [],
        "app_pages": pages_of(channel),
        "targets": [target.name for target in decided.targets],
        "ends": ends,
        "new_only": new != wanted,
        "asks_each_time": channel.always_asks,
    }


def read_answer(request: HttpRequest, decided: AuthorizationRequest, end_user: EndUser) -> Choice | None:
    """What the person left ticked of what they were shown; None: they denied. Raises OutdatedConsent."""
    shown, also_usable, ends = _unseal(request.POST.get("seen", ""), decided, end_user)
    if request.POST.get("decision") != "allow":
        return None
    wanted = asked(decided)
    new = to_ask(decided, wanted, end_user.given)
    if missing(new, shown, decided.registry.covers) or not _also_usable(decided, wanted, new, end_user) <= also_usable:
        raise OutdatedConsent  # something was taken back or allowed meanwhile: that has to be on the page too
    before = missing(wanted, new, decided.registry.covers)
    audiences = _kept(wanted.audiences, shown.audiences, request.POST.getlist("audience"), before.audiences)
    scopes = _kept(wanted.scopes, shown.scopes, [*request.POST.getlist("scope"), *REQUIRED], before.scopes)
    scopes = without_lost_apis(decided, wanted, scopes, audiences)
    return Choice(scopes, audiences, _ends_at(request, end_user, ends)) if scopes or audiences else None


def _ends_at(request: HttpRequest, end_user: EndUser, offered: list[str]) -> datetime | None:
    """Where nothing was to be chosen, what they said before holds."""
    try:
        return end_user.until if not offered else grant_end.chosen(request.POST.get("ends"), offered)
    except ValueError:
        raise OutdatedConsent from None


def newly_allowed(decided: AuthorizationRequest, end_user: EndUser) -> set[str]:
    """Scopes that may now be used where they could not be before."""
    new = to_ask(decided, granted(decided), end_user.given)
    return set(new.scopes) | _also_usable(decided, granted(decided), new, end_user)


def granted(decided: AuthorizationRequest) -> Permission:
    """What the person allows with this request: the ceiling of everything that follows from it."""
    ceiling = decided.ceiling
    return Permission(ceiling.scopes, ceiling.audiences)


def to_ask(decided: AuthorizationRequest, wanted: Permission, given: Permission) -> Permission:
    """What is missing. A scope allowed for one API is asked again for another: it may mean something graver there."""
    new = missing(wanted, given, decided.registry.covers)
    again = _offered(decided, new.audiences)
    return Permission(tuple(one for one in wanted.scopes if one in new.scopes or one in again), new.audiences)


def _also_usable(decided: AuthorizationRequest, wanted: Permission, new: Permission, end_user: EndUser) -> set[str]:
    """Scopes allowed before and not wanted now that will work at the new audiences too: the page has to say so."""
    return set(end_user.given.scopes) & _offered(decided, new.audiences) - set(wanted.scopes)


def _kept(wanted: Iterable[str], shown: Iterable[str], ticked: Iterable[str], before: Iterable[str]) -> tuple[str, ...]:
    """Granted = shown and ticked, or allowed before and not asked now; and still wanted, as the steps checked again."""
    shown, ticked, before = set(shown), set(ticked), set(before)
    return tuple(one for one in wanted if (one in ticked if one in shown else one in before))


def without_lost_apis(
    decided: AuthorizationRequest, wanted: Permission, scopes: tuple[str, ...], audiences: tuple[str, ...]
) -> tuple[str, ...]:
    """An Api's scopes go with its audience (protocol section 11)."""
    lost = _offered(decided, (one for one in wanted.audiences if one not in audiences))
    kept = _offered(decided, audiences)
    return tuple(scope for scope in scopes if scope not in lost or scope in kept)


def _offered(decided: AuthorizationRequest, audiences: Iterable[str]) -> set[str]:
    apis = [decided.registry.resolve(one) for one in audiences]
    return {scope for api in apis if api is not None for scope in api.scopes}


# --- The page's parts ---------------------------------------------------------------------------------------------


def _of_the_app(project: Project, decided: AuthorizationRequest) -> dict[str, object]:
    """Who asks. A guest app is called by where it is, and no page of the project is about it."""
    guest = guest_words.of_guest(decided.client, decided.channel.redirect_uri)
    screen = ConsentScreen() if guest else permission_words.screen_of(project)
    return {
        "app_name": str(guest or permission_words.app_name(project)),
        "guest": guest,
        "logo": logos.path(screen.logo_digest) or logo_of(decided.client),
        "client_name": decided.client.name,
        "project_name": project.name,
        "homepage_uri": screen.homepage_uri,
        "policy_uri": screen.policy_uri,
        "tos_uri": screen.tos_uri,
        "support_email": screen.support_email,
    }


# --- What was shown, sealed ---------------------------------------------------------------------------------------


def _seal(
    decided: AuthorizationRequest, end_user: EndUser, shown: Permission, also_usable: set[str], ends: list[str]
) -> str:
    """Bound to this request, this person and this sign-in; it proves what stood on the page."""
    stood = [list(shown.scopes), list(shown.audiences), sorted(also_usable), ends]
    return signing.dumps([*_binding(decided, end_user), *stood], salt=SALT, compress=True)


def _unseal(seen: str, decided: AuthorizationRequest, end_user: EndUser) -> tuple[Permission, set[str], list[str]]:
    try:
        *bound, scopes, audiences, also_usable, ends = signing.loads(seen, salt=SALT, max_age=MAX_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        raise OutdatedConsent from None
    if bound != _binding(decided, end_user):
        raise OutdatedConsent
    return Permission(tuple(scopes), tuple(audiences)), set(also_usable), ends


def _binding(decided: AuthorizationRequest, end_user: EndUser) -> list[str]:
    """An app that registered itself, and is another one meanwhile, was not on the page."""
    whose = [end_user.user.sub, str(end_user.sign_in.sid)]
    return [fingerprint(decided.params), *whose, guests.digest(decided.client)]
