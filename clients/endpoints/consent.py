"""The consent page: what is asked, in plain words; and the person's answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.endpoints.interaction import Visitor, asked
from clients.models import Client
from clients.oauth.facts import apis_near
from clients.protocol.facts import SIGN_IN_SCOPES, Registry
from clients.protocol.prompts import always_asks, shares_consent
from clients.protocol.request import AuthorizationRequest, Choice, Params
from idp.accounts import form_targets, sign_in
from projects.consent import Permission, missing
from projects.models import Api, ApiScope, ConsentScreen, Project

SALT = "clients.consent"
MAX_AGE = 3600  # seconds a shown page stays good
MAX_SIBLINGS = 20
REQUIRED = ("openid",)


class Stale(Exception):
    """The answer is not to the page this person was shown."""


def sign_in_scope_words(scope: str) -> str:
    words = {
        "openid": _("Know who you are at this provider"),
        "profile": _("See your name and user name"),
        "email": _("See your e-mail address"),
        "address": _("See your postal address"),
        "phone": _("See your phone number"),
        "offline_access": _("Keep this access while you are away"),
    }
    return words.get(scope, scope)


def show(
    request: HttpRequest, params: Params, decided: AuthorizationRequest, redirect_uri: str, who: Visitor
) -> HttpResponse:
    """Ask for what is missing, and show what was allowed before; everything when nothing is missing."""
    project = Project.objects.select_related("consent_screen").get(pk=decided.client.project.id)
    screen = getattr(project, "consent_screen", None) or ConsentScreen(project=project)
    wanted = asked(decided)
    new = to_ask(decided, wanted, who.given) or wanted
    shares = shares_consent(decided.client, redirect_uri)
    context = {
        "app_name": screen.app_name or project.name,
        "client_name": decided.client.name,
        "project_name": project.name,
        "redirect_host": _where(redirect_uri),
        "homepage_uri": screen.homepage_uri,
        "policy_uri": screen.policy_uri,
        "tos_uri": screen.tos_uri,
        "support_email": screen.support_email,
        "person": who.user,
        "switch_url": sign_in.switch_url(request.get_full_path()),
        "action": f"{reverse('consent')}?{urlencode(params.pairs)}",
        "seen": _seal(params, who, new),
        "groups": _groups(project, wanted, new, who.given),
        "audiences": [_audience(decided, one, allowed=one not in new.audiences) for one in wanted.audiences],
        "siblings": _siblings(project, decided.client.client_id) if shares else [],
        "targets": [target.name for target in decided.targets],
        "new_only": new != wanted,
    }
    response = render(request, "consent.html", context)
    response["Cache-Control"] = "no-store"
    if origin := form_targets.origin_of(redirect_uri):
        form_targets.allow_form_redirect(response, origin)
    return response


def read_answer(request: HttpRequest, params: Params, decided: AuthorizationRequest, who: Visitor) -> Choice | None:
    """What the person left ticked of what they were shown; None: they denied. Raises Stale."""
    shown = _unseal(request.POST.get("seen", ""), params, who)
    if request.POST.get("decision") != "allow":
        return None
    wanted = asked(decided)
    new = to_ask(decided, wanted, who.given)
    if missing(new, shown):
        raise Stale  # something allowed before was taken back meanwhile: that has to be asked too
    before = missing(wanted, new)
    audiences = _kept(wanted.audiences, shown.audiences, request.POST.getlist("audience"), before.audiences)
    scopes = _kept(wanted.scopes, shown.scopes, [*request.POST.getlist("scope"), *REQUIRED], before.scopes)
    scopes = _without_lost_apis(decided, wanted, scopes, audiences)
    return Choice(scopes, audiences) if scopes or audiences else None


def to_ask(decided: AuthorizationRequest, wanted: Permission, given: Permission) -> Permission:
    """What is missing. A scope allowed for one API is asked again for another: it may mean something graver there."""
    new = missing(wanted, given)
    again = _offered(decided, new.audiences)
    return Permission(tuple(one for one in wanted.scopes if one in new.scopes or one in again), new.audiences)


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


def _where(redirect_uri: str) -> str:
    url = urlsplit(redirect_uri)
    return url.netloc if url.scheme in ("http", "https") else f"{url.scheme}:"


def _groups(project: Project, wanted: Permission, new: Permission, given: Permission) -> list[dict[str, Any]]:
    """Scopes by API, those of signing in first."""

    def line(scope: str, description: str) -> dict[str, Any]:
        required = scope in REQUIRED
        return {"name": scope, "description": description, "required": required, "allowed": scope not in new.scopes}

    about = [line(scope, sign_in_scope_words(scope)) for scope in wanted.scopes if scope in SIGN_IN_SCOPES]
    groups = [{"title": _("About you"), "description": "", "audience": "", "scopes": about}] if about else []
    left = [scope for scope in wanted.scopes if scope not in SIGN_IN_SCOPES]
    apis = _apis_of(project, (*wanted.audiences, *given.audiences), left)
    for api in apis:
        own = {scope.name: _described(apis, scope.name) for scope in api.scopes.all() if scope.name in left}
        if own:
            lines = [line(name, own[name]) for name in left if name in own]
            groups.append(
                {"title": api.name, "description": api.description, "audience": api.identifier, "scopes": lines}
            )
            left = [scope for scope in left if scope not in own]
    if left:
        lines = [line(scope, "") for scope in left]
        groups.append({"title": _("Other permissions"), "description": "", "audience": "", "scopes": lines})
    return groups


def _apis_of(project: Project, audiences: Iterable[str], scopes: list[str]) -> list[Api]:
    """APIs that explain these scopes: those of the audiences, and the project's own for what they do not.

    The audiences allowed before too: a scope that is allowed now may be used there without another question.
    """
    audiences = tuple(audiences)
    registry = Registry(apis=apis_near(audiences))
    resolved = [registry.resolve(one) for one in audiences]
    identifiers = [api.identifier for api in resolved if api is not None]
    named = Api.objects.filter(identifier__in=identifiers).prefetch_related("scopes")
    unexplained = set(scopes) - {scope.name for api in named for scope in api.scopes.all()}
    defining = ApiScope.objects.filter(name__in=unexplained).values("api")
    own = Api.objects.filter(project=project, pk__in=defining).prefetch_related("scopes")
    return list({api.pk: api for api in (*named, *own)}.values())


def _described(apis: list[Api], name: str) -> str:
    """What the APIs say of a scope: all of them, or one project could hide another's words behind its own."""
    said = {api: scope.description for api in apis for scope in api.scopes.all() if scope.name == name}
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{api.name}: {description}" for api, description in said.items())


def _audience(decided: AuthorizationRequest, value: str, *, allowed: bool) -> dict[str, Any]:
    """An audience by the name of its API; unknown ones verbatim."""
    resolved = decided.registry.resolve(value)
    api = Api.objects.filter(identifier=resolved.identifier).first() if resolved else None
    name, description = (api.name, api.description) if api else ("", "")
    return {"value": value, "name": name, "description": description, "allowed": allowed}


def _siblings(project: Project, client_id: str) -> list[str]:
    """Apps that will not have to ask for the same again; those that always ask are not covered."""
    rows = Client.objects.filter(project=project, enabled=True, registration_source=Client.RegistrationSource.MANUAL)
    others = rows.filter(grant_types__icontains="authorization_code").exclude(client_id=client_id)
    covered = (str(row) for row in others if not all(always_asks(uri) for uri in row.redirect_uri_list))
    return list(islice(covered, MAX_SIBLINGS))


# --- What was shown, sealed ---------------------------------------------------------------------------------------


def _seal(params: Params, who: Visitor, shown: Permission) -> str:
    """Bound to this request, this person and this sign-in; it proves what stood on the page."""
    return signing.dumps([*_binding(params, who), list(shown.scopes), list(shown.audiences)], salt=SALT, compress=True)


def _unseal(seen: str, params: Params, who: Visitor) -> Permission:
    try:
        *binding, scopes, audiences = signing.loads(seen, salt=SALT, max_age=MAX_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        raise Stale from None
    if binding != _binding(params, who):
        raise Stale
    return Permission(tuple(scopes), tuple(audiences))


def _binding(params: Params, who: Visitor) -> list[str]:
    request = hashlib.sha256(urlencode(params.pairs).encode()).hexdigest()
    return [request, str(who.user.sub), str(who.row.sid)]
