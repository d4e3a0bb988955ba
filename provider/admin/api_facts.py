"""Which apps may call which APIs, by the very rules of a request; as far as somebody may see them.

What is looked at is bounded: a page of apps, and the APIs of one project.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet, Sum

from clients.models import Client, Tally
from clients.resources import Near, entries_near
from common import clock
from projects.apis import apis_near, project_facts
from projects.facts import ApiFacts, Apis
from projects.models import Api, Project
from provider.admin.audience_map import Kind
from provider.facts import find_clients
from provider.protocol.audience import permitted
from provider.protocol.cross_client import may_target
from provider.protocol.errors import InvalidTarget
from provider.protocol.facts import ClientFacts, Registry
from provider.store import tallies

PER_PAGE = 30  # apps
MOST_APIS = 60  # of a project, on one picture
MOST_TARGETS = 30  # apps that others may get ID tokens for
DAYS = 7


@dataclass(frozen=True, slots=True)
class Call:
    """An app may ask for tokens for an API, or an ID token for whoever acts for it."""

    app: ClientFacts
    api: ApiFacts | None  # None: nothing but the app that the ID token is for
    kind: Kind
    scopes: tuple[str, ...] = ()
    only: str = ""  # the address below which, where it is a part of the API
    target: ClientFacts | None = None  # whom the ID token is for


def calls(apps: Sequence[ClientFacts], apis: Collection[ApiFacts]) -> Iterator[Call]:
    """By allowlist: whole APIs of these, and what else an entry names."""
    values = {entry.value for app in apps for entry in app.allowlist} | {api.identifier for api in apis}
    registry = Registry(apis=apis_near(values))
    for app in apps:
        yield from _calls_of(app, apis, registry)


def _calls_of(app: ClientFacts, apis: Collection[ApiFacts], registry: Registry) -> Iterator[Call]:
    whole: set[str] = set()
    named = [api for entry in app.allowlist if (api := registry.resolve(entry.value)) is not None]
    for api in dict.fromkeys([*apis, *named]):
        if any(app.entries.covering(api.identifier)) and _may(app, api.identifier, registry):
            whole.add(api.identifier)
            yield Call(app, api, Kind.ALLOWED, _scopes(app, api))
    for entry in app.allowlist:
        part = registry.resolve(entry.value)
        if part is not None and part.identifier not in whole and _may(app, entry.value, registry):
            yield Call(app, part, Kind.PART, _scopes(app, part), only=entry.value)


def _may(app: ClientFacts, value: str, registry: Registry) -> bool:
    try:
        permitted(value, app, registry)
    except InvalidTarget:
        return False
    return True


def _scopes(app: ClientFacts, api: ApiFacts) -> tuple[str, ...]:
    offered = api.scopes_for(app.project)
    return tuple(scope for scope in app.scopes if scope in offered)


def id_tokens(
    apps: Sequence[ClientFacts], targets: Iterable[ClientFacts], apis: Collection[ApiFacts]
) -> Iterator[Call]:
    """Who may get an ID token for whom: for an app that acts for an API it is a way to call that."""
    there = {api.identifier: api for api in apis}
    for target in targets:
        acts: list[ApiFacts | None] = [there[one] for one in target.acts_for if one in there]
        for app in apps:
            if app.client_id != target.client_id and "openid" in app.scopes and may_target(app, target):
                for api in acts or [None]:
                    yield Call(app, api, Kind.ID_TOKEN, target=target)


def facts_of(rows: QuerySet[Client]) -> list[ClientFacts]:
    """In the order of the rows."""
    return facts_named(rows.values_list("client_id", flat=True))


def facts_named(client_ids: Iterable[str]) -> list[ClientFacts]:
    named = list(client_ids)
    found = find_clients(named)
    return [found[one] for one in named if one in found]


def targets_of(project: Project) -> list[ClientFacts]:
    """Apps that others are meant to get ID tokens for: they act for an API, or name who may."""
    rows = Client.objects.filter(Q(acts_for__isnull=False) | Q(allowed_callers__isnull=False), project=project)
    return facts_of(rows.order_by("name", "client_id").distinct()[:MOST_TARGETS])


def apis_of(project: Project) -> list[Api]:
    return list(project.apis.order_by("name", "identifier")[:MOST_APIS])


def known(rows: Iterable[Api]) -> list[ApiFacts]:
    """As a request would find them."""
    named = [row.identifier for row in rows]
    near = apis_near(named)
    return [api for one in named if (api := near.at(one)) is not None]


# --- Of one API ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Callers:
    """Client IDs, in the order of the names. `others`: apps may call it, too, that whoever looks may not see."""

    client_ids: list[str]
    others: bool


def callers_of(api: Api, visible: QuerySet[Project]) -> Callers:
    """Whose allowlist means this API, in projects that it is open to."""
    [fact] = known([api])
    near = apis_near([fact.identifier])
    reaching = [one for one in entries_near(fact.identifier) if _means(one, fact, near)]
    projects = Project.objects.filter(pk__in={one.project for one in reaching})
    opened = {one.pk for one in projects if fact.open_to(project_facts(one))}
    shown = {*visible.filter(pk__in=opened).values_list("pk", flat=True)}
    mine = sorted({(one.name.lower(), one.client_id) for one in reaching if one.project in shown})
    return Callers([client_id for _name, client_id in mine], bool(opened - shown))


def _means(entry: Near, api: ApiFacts, near: Apis) -> bool:
    """As in `provider.protocol.audience`: one for an API means that, and one above all APIs means them all."""
    its = near.resolve(entry.canonical)
    return entry.above if its is None else its.identifier == api.identifier


def named_callers(targets: Iterable[ClientFacts], visible: QuerySet[Project]) -> list[ClientFacts]:
    """Whom these name as those who may get ID tokens for them."""
    named = {one for target in targets for one in target.allowed_callers}
    rows = Client.objects.filter(client_id__in=named, project__in=visible).order_by("name", "client_id")
    return facts_of(rows[:MOST_TARGETS])


def recent(apps: Iterable[ClientFacts]) -> dict[str, int]:
    """How often each of these got tokens in the last days, whatever for."""
    tallies.settle()
    since = clock.now().date() - timedelta(days=DAYS - 1)
    rows = Tally.objects.filter(day__gte=since, client_id__in=[one.client_id for one in apps])
    return dict(rows.order_by().values_list("client_id").annotate(sum=Sum("count")).order_by("client_id"))
