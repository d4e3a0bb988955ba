"""What people would read, if a consent screen were as somebody has typed it: the page itself, of an example request.

One of the project's own apps asks for what it may, and the person at the console is who is asked. Nothing is written,
and the page cannot be answered: it has no seal of what it showed, and it is shown in a frame that sends no form.
"""

from __future__ import annotations

from dataclasses import replace

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import get_language, override

from accounts.models import SignIn, User
from clients.models import Client
from projects import logos, screens
from projects.apis import project_facts
from projects.consent import Permission
from projects.metadata import Screen
from projects.models import ConsentScreen, Project
from provider import facts
from provider.endpoints import consent
from provider.endpoints.interaction import EndUser
from provider.explain.table import Question, decided_authorization
from provider.protocol.facts import ClientFacts, Registry
from provider.protocol.request import AuthorizationRequest

MOST_AUDIENCES = 5
MOST_SCOPES = 12
SIGNING_IN = ("openid", "profile", "email")
INERT: dict[str, object] = {"seen": "", "action": "", "csrf_token": "none", "messages": []}


def apps_of(project: Project) -> QuerySet[Client]:
    """Those that ask people."""
    people = project.clients.filter(enabled=True, grant_types__icontains="authorization_code")
    return people.exclude(redirect_uris="").order_by(
        "client_type", "name", "client_id"
    )  # those that are remembered first


def shown(
    request: HttpRequest, project: Project, screen: Screen, app: Client | None, person: User, language: str
) -> str:
    """The page."""
    seen = Project.objects.get(pk=project.pk)
    texts = {name: getattr(screen, name) for name in screens.COLUMNS}
    sent = logos.is_sent(screen.logo_uri)
    kept = "" if sent else screen.logo_uri.rpartition("/")[2]
    seen.consent_screen = ConsentScreen(project=seen, logo_digest=kept, **texts)
    inert = {**INERT, "logo": logos.uri_of(logos.picture(screen.logo_uri).data)} if sent else INERT
    with override(language or get_language()):
        end_user = EndUser(person, SignIn(user=person), Permission())
        said = consent.on_page(request, example(seen, app), end_user, seen)
        return render_to_string(consent.PAGE, {**said, **inert}, request)


def example(project: Project, app: Client | None) -> AuthorizationRequest:
    """A request that is not refused, for as much as this app may ask for."""
    for caller in (*([facts.client_facts(app)] if app is not None else []), _stranger(project)):
        registry = facts.registry((), caller)
        asking = replace(caller, enabled=True, pushes=False, request_object_algorithm="")
        wide = " ".join(caller.scopes[:MOST_SCOPES])
        for scope, audience in ((wide, _audiences(caller, registry)), (wide, ""), (" ".join(SIGNING_IN), "")):
            if (found := decided_authorization(Question(asking, audience, registry, scope))) is not None:
                return found
    raise LookupError("Anybody may ask who somebody is.")


def _audiences(caller: ClientFacts, registry: Registry) -> str:
    """The APIs it lists, as far as they are any."""
    found = (api.identifier for entry in caller.allowlist if (api := registry.resolve(entry.value)) is not None)
    return " ".join(list(dict.fromkeys(found))[:MOST_AUDIENCES])


def _stranger(project: Project) -> ClientFacts:
    """For a project without an app that signs people in."""
    return ClientFacts(
        id=0,
        client_id="example",
        project=replace(project_facts(project), profile="", pushes=False),
        name=project.name,
        grant_types=frozenset({"authorization_code"}),
        redirect_uris=("https://app.example/callback",),
        scopes=SIGNING_IN,
    )
