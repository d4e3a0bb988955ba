"""The consent page: what is asked, in plain words; and the person's answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts import form_targets, sign_in
from clients.identifiers import shown_place
from projects.consent import Permission, missing
from projects.models import Project
from provider.endpoints import permission_words
from provider.endpoints.interaction import EndUser, asked, fingerprint
from provider.protocol.prompts import shares_consent
from provider.protocol.request import AuthorizationRequest, Choice, Params

SALT = "clients.consent"
MAX_AGE = 3600  # seconds a shown page stays good
REQUIRED = ("openid",)


class Stale(Exception):
    """The answer is not to the page this person was shown."""


def show(
    request: HttpRequest, params: Params, decided: AuthorizationRequest, redirect_uri: str, who: EndUser
) -> HttpResponse:
    """Ask for what is missing, and show what was allowed before; everything when nothing is missing."""
    project = Project.objects.select_related("consent_screen").get(pk=decided.client.project.id)
    screen = permission_words.screen_of(project)
    wanted = asked(decided)
    new = to_ask(decided, wanted, who.given) or wanted
    along = _along(decided, wanted, new, who)
    shares = shares_consent(decided.client, redirect_uri)
    context = {
        "app_name": permission_words.app_name(project),
        "client_name": decided.client.name,
        "project_name": project.name,
        "redirect_host": shown_place(redirect_uri),
        "homepage_uri": screen.homepage_uri,
        "policy_uri": screen.policy_uri,
        "tos_uri": screen.tos_uri,
        "support_email": screen.support_email,
        "person": who.user,
        "switch_url": sign_in.switch_url(request.get_full_path()),
        "action": f"{reverse('consent')}?{urlencode(params.pairs)}",
        "seen": _seal(params, who, new, along),
        "groups": _groups(project, wanted, new, who.given),
        "audiences": _audiences(project, decided, wanted, new, along),
        "siblings": permission_words.siblings(project, decided.client.client_id) if shares else [],
        "targets": [target.name for target in decided.targets],
        "new_only": new != wanted,
    }
    response = render(request, "consent.html", context)
    response["Cache-Control"] = "no-store"
    if origin := form_targets.origin_of(redirect_uri):
        form_targets.allow_form_redirect(response, origin)
    return response


def read_answer(request: HttpRequest, params: Params, decided: AuthorizationRequest, who: EndUser) -> Choice | None:
    """What the person left ticked of what they were shown; None: they denied. Raises Stale."""
    shown, along = _unseal(request.POST.get("seen", ""), params, who)
    if request.POST.get("decision") != "allow":
        return None
    wanted = asked(decided)
    new = to_ask(decided, wanted, who.given)
    if missing(new, shown) or not _along(decided, wanted, new, who) <= along:
        raise Stale  # something was taken back or allowed meanwhile: that has to be on the page too
    before = missing(wanted, new)
    audiences = _kept(wanted.audiences, shown.audiences, request.POST.getlist("audience"), before.audiences)
    scopes = _kept(wanted.scopes, shown.scopes, [*request.POST.getlist("scope"), *REQUIRED], before.scopes)
    scopes = _without_lost_apis(decided, wanted, scopes, audiences)
    return Choice(scopes, audiences) if scopes or audiences else None


def newly_allowed(decided: AuthorizationRequest, who: EndUser) -> set[str]:
    """Scopes that may now be used where they could not be before."""
    granted = Permission(decided.ceiling.scopes, decided.ceiling.audiences)
    new = to_ask(decided, granted, who.given)
    return set(new.scopes) | _along(decided, granted, new, who)


def to_ask(decided: AuthorizationRequest, wanted: Permission, given: Permission) -> Permission:
    """What is missing. A scope allowed for one API is asked again for another: it may mean something graver there."""
    new = missing(wanted, given)
    again = _offered(decided, new.audiences)
    return Permission(tuple(one for one in wanted.scopes if one in new.scopes or one in again), new.audiences)


def _along(decided: AuthorizationRequest, wanted: Permission, new: Permission, who: EndUser) -> set[str]:
    """Scopes allowed before and not wanted now that will work at the new audiences too: the page has to say so."""
    return set(who.given.scopes) & _offered(decided, new.audiences) - set(wanted.scopes)


def _kept(wanted: Iterable[str], shown: Iterable[str], ticked: Iterable[str], before: Iterable[str]) -> tuple[str, ...]:
    """Granted = shown and ticked, or allowed before and not asked now; and still wanted, as the steps checked again."""
    shown, ticked, before = set(shown), set(ticked), set(before)
    return tuple(one for one in wanted if (one in ticked if one in shown else one in before))


def _without_lost_apis(
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


def _groups(project: Project, wanted: Permission, new: Permission, given: Permission) -> list[dict[str, Any]]:
    """Scopes by API. The audiences allowed before explain too: a scope allowed now may be used there unasked."""
    return [
        {
            "title": group.title,
            "description": group.description,
            "audience": group.audience,
            "scopes": [
                {
                    "name": line.name,
                    "description": line.description,
                    "sensitive": line.sensitive,
                    "required": line.name in REQUIRED,
                    "allowed": line.name not in new.scopes,
                }
                for line in group.lines
            ],
        }
        for group in permission_words.groups(project, wanted.scopes, (*wanted.audiences, *given.audiences))
    ]


def _audiences(
    project: Project, decided: AuthorizationRequest, wanted: Permission, new: Permission, along: set[str]
) -> list[dict[str, Any]]:
    """Where it works. What was allowed before and will work there too is said in that API's own words."""
    return [
        {
            "value": place.value,
            "name": place.name,
            "description": place.description,
            "allowed": place.value not in new.audiences,
            "along": [
                str(line)
                for group in permission_words.groups(
                    project, sorted(along & _offered(decided, [place.value])), [place.value]
                )
                for line in group.lines
            ],
        }
        for place in permission_words.places(wanted.audiences, decided.registry)
    ]


# --- What was shown, sealed ---------------------------------------------------------------------------------------


def _seal(params: Params, who: EndUser, shown: Permission, along: set[str]) -> str:
    """Bound to this request, this person and this sign-in; it proves what stood on the page."""
    stood = [list(shown.scopes), list(shown.audiences), sorted(along)]
    return signing.dumps([*_binding(params, who), *stood], salt=SALT, compress=True)


def _unseal(seen: str, params: Params, who: EndUser) -> tuple[Permission, set[str]]:
    try:
        *binding, scopes, audiences, along = signing.loads(seen, salt=SALT, max_age=MAX_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        raise Stale from None
    if binding != _binding(params, who):
        raise Stale
    return Permission(tuple(scopes), tuple(audiences)), set(along)


def _binding(params: Params, who: EndUser) -> list[str]:
    return [fingerprint(params), str(who.user.sub), str(who.row.sid)]
