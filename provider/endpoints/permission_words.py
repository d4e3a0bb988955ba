"""Scopes, audiences and apps in words people understand: for the consent page, the apps page and mails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext as _

from accounts.models import User
from clients.models import Client
from projects import admission
from projects.apis import apis_near, own_identifier, project_facts
from projects.facts import ProjectFacts
from projects.models import Api, ApiScope, ConsentScreen, Project
from projects.scopes import ADMIN_SCOPES, SIGN_IN_SCOPES
from projects.sign_in import NOWHERE
from provider.endpoints.told_words import words_of
from provider.protocol.channel import Channel
from provider.protocol.facts import ClientFacts, Registry

MAX_SIBLINGS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One scope. `description` may be empty: then its name has to do."""

    name: str
    description: str
    sensitive: bool = False

    def __str__(self) -> str:
        return self.description or self.name


@dataclass(frozen=True, slots=True)
class Group:
    """The scopes of one API; `audience` is empty for those of signing in and those nobody explains."""

    title: str
    lines: tuple[Line, ...]
    description: str = ""
    audience: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where access works: by the name of the API, verbatim where there is none."""

    value: str
    name: str = ""
    description: str = ""

    def __str__(self) -> str:
        return self.name or self.value


def app_name(project: Project) -> str:
    return screen_of(project).app_name or project.name


def screen_of(project: Project) -> ConsentScreen:
    return getattr(project, "consent_screen", None) or ConsentScreen(project=project)


def groups(project: Project, scopes: Iterable[str], audiences: Iterable[str]) -> list[Group]:
    """Scopes by API, those of signing in first; `audiences` are those the scopes may be used at."""
    scopes = list(dict.fromkeys(scopes))
    about = tuple(Line(scope, words) for scope, words in words_of(scopes, project_facts(project)).items())
    found = [Group(_("About you"), about)] if about else []
    ours = tuple(Line(one, _(ADMIN_SCOPES[one].words), sensitive=True) for one in scopes if one in ADMIN_SCOPES)
    if ours:
        found.append(Group(_of_provider().name, ours, audience=_of_provider().value))
    left = [scope for scope in scopes if scope not in SIGN_IN_SCOPES and scope not in ADMIN_SCOPES]
    apis = _apis_of(project, audiences, left)
    for api in apis:
        own = {scope.name for scope in api.scopes.all()}
        lines = tuple(_described(apis, name) for name in left if name in own)
        if lines:
            found.append(Group(api.name, lines, api.description, api.identifier))
            left = [scope for scope in left if scope not in own]
    if left:
        found.append(Group(_("Other permissions"), tuple(Line(scope, "") for scope in left)))
    return found


def sensitive(project: Project, scopes: Iterable[str], audiences: Iterable[str]) -> list[Line]:
    """Of these scopes those an API calls sensitive."""
    return [line for group in groups(project, scopes, audiences) for line in group.lines if line.sensitive]


def places(audiences: Sequence[str], registry: Registry | None = None) -> list[Place]:
    """Audiences by the names of their APIs."""
    registry = registry or Registry(apis=apis_near(audiences))
    resolved = {value: api.identifier for value in audiences if (api := registry.resolve(value))}
    rows = Api.objects.filter(identifier__in=set(resolved.values()))
    named: dict[str, Api | Place] = {api.identifier: api for api in rows}
    named[own_identifier()] = _of_provider()
    known = {value: named[identifier] for value, identifier in resolved.items() if identifier in named}
    return [
        Place(value, known[value].name, known[value].description) if value in known else Place(value)
        for value in audiences
    ]


def _of_provider() -> Place:
    """Its own API, which no row describes."""
    return Place(own_identifier(), _("Managing this provider"))


def siblings(project: Project, person: User, *except_for: str) -> list[str]:
    """Apps that will not have to ask for the same again; those that always ask are not covered.

    Nor are those that do not let this person in: nobody is told of an app that they may not use.
    """
    rows = Client.objects.filter(project=project, enabled=True, registration_source=Client.RegistrationSource.MANUAL)
    others = (
        rows.select_related("project")
        .filter(grant_types__icontains="authorization_code")
        .exclude(client_id__in=except_for)
    )
    facts = project_facts(project)
    covered = (
        str(row)
        for row in let_in(person, others)
        if any(_channel(row, facts, uri).shares_consent for uri in row.redirect_uri_list)
    )
    return list(islice(covered, MAX_SIBLINGS))


def let_in(person: User, clients: Iterable[Client]) -> list[Client]:
    """Those that let this person in, of clients of projects."""
    rows = list(clients)
    rules = {row.pk: [row.sign_in_rule, row.project.sign_in_rule] if row.project else [] for row in rows}
    restricts = any(rule.restricts for several in rules.values() for rule in several)
    belongs = admission.belongs(person.pk) if restricts else NOWHERE
    return [row for row in rows if all(rule.lets_in(belongs) for rule in rules[row.pk])]


def _channel(row: Client, project: ProjectFacts, redirect_uri: str) -> Channel:
    """Of a client that an administrator registered; what it may ask for is not looked at."""
    return Channel(ClientFacts(row.pk, row.client_id, project, public=row.public), redirect_uri)


def _apis_of(project: Project, audiences: Iterable[str], scopes: list[str]) -> list[Api]:
    """APIs that explain these scopes: those of the audiences, and the project's own for what they do not."""
    audiences = tuple(audiences)
    registry = Registry(apis=apis_near(audiences))
    resolved = [registry.resolve(one) for one in audiences]
    identifiers = [api.identifier for api in resolved if api is not None]
    named = Api.objects.filter(identifier__in=identifiers).prefetch_related("scopes")
    unexplained = set(scopes) - {scope.name for api in named for scope in api.scopes.all()}
    defining = ApiScope.objects.filter(name__in=unexplained).values("api")
    own = Api.objects.filter(project=project, pk__in=defining).prefetch_related("scopes")
    return list({api.pk: api for api in (*named, *own)}.values())


def _described(apis: list[Api], name: str) -> Line:
    """What the APIs say of a scope: all of them, or one project could hide another's words behind its own."""
    rows = {api: scope for api in apis for scope in api.scopes.all() if scope.name == name}
    said = {scope.description for scope in rows.values()}
    words = said.pop() if len(said) == 1 else "; ".join(f"{api.name}: {row.description}" for api, row in rows.items())
    return Line(name, words, any(row.sensitive for row in rows.values()))
