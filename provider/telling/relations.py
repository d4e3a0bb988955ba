"""Who is told, and of whom: a project hears only of people who allowed its apps something, and of nobody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import User
from clients.models import Authorization, Client, Stream, Webhook
from projects import admission
from projects.apis import admits, grouped
from projects.models import Consent
from provider import facts
from provider.protocol.facts import ClientFacts
from provider.store.live import client_lives, ended, ended_by_itself

NOTHING_LEFT: dict[str, list[str]] = {"scopes": [], "audiences": []}  # of a consent that was taken back


def told_projects() -> frozenset[int]:
    """The projects that somebody tells; none: nothing has to be found out, or written."""
    of_webhooks = Webhook.objects.order_by().values_list("project", flat=True).distinct()
    of_streams = (
        Stream.objects.order_by().filter(client__project__isnull=False).values_list("client__project", flat=True)
    )
    return frozenset(one for one in {*of_webhooks, *of_streams} if one is not None)


def projects_of(sub: str, at: datetime, among: Collection[int]) -> frozenset[int]:
    """Those of these projects that knew this person then: by an authorization that had not ended, or a consent.

    It is asked some seconds later, and what ended meanwhile counted then. Whoever allowed something since does not.
    """
    return projects_of_each([sub], at, among).get(sub, frozenset())


def projects_of_each(subs: Collection[str], at: datetime, among: Collection[int]) -> dict[str, frozenset[int]]:
    """The same of several people, in as many statements as of one. Nobody is left out whom one of them knew."""
    if not among:
        return {}
    used, said = _knowing(at, among)
    found: defaultdict[str, set[int]] = defaultdict(set)
    for sub, project in (
        *used.filter(user__sub__in=subs).values_list("user__sub", "client__project"),
        *said.filter(user__sub__in=subs).values_list("user__sub", "project"),
    ):
        if project is not None:
            found[sub].add(project)
    return {sub: frozenset(projects) for sub, projects in found.items()}


def known_to(project: int, at: datetime) -> QuerySet[User]:
    """Everybody whom this project knew then, by the same rule."""
    used, said = _knowing(at, (project,))
    return User.objects.filter(Q(pk__in=used.values("user")) | Q(pk__in=said.values("user")))


def allowed_by_each(subs: Collection[str], at: datetime, among: Collection[int]) -> dict[tuple[int, str], set[str]]:
    """The scopes that these people allowed each project then: what is told of one app stays within its project."""
    found: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    if subs and among:
        used, said = _knowing(at, among)
        for project, sub, scopes in (
            *used.filter(user__sub__in=subs).values_list("client__project", "user__sub", "scopes"),
            *said.filter(user__sub__in=subs).values_list("project", "user__sub", "scopes"),
        ):
            if project is not None:
                found[project, sub].update(scopes)
    return found


def may_know(user: User, scope: str, at: datetime, among: Collection[int]) -> frozenset[int]:
    """Those of these projects that this person lets know something, and whose access to it is not dead.

    A client that is disabled, whatever tokens were ended of, and an app that does not let the person in learn nothing.
    """
    return may_know_each([user], scope, at, among).get(user.sub, frozenset())


def may_know_each(
    people: Collection[User], scope: str, at: datetime, among: Collection[int]
) -> dict[str, frozenset[int]]:
    """The same of several people, by their `sub`, in as many statements as of one."""
    if not people or not among:
        return {}
    keys = {one.pk for one in people}
    used, said = _knowing(at, among)
    uses = used.filter(user__in=keys).values_list("user_id", "client_id", "created_at", "scopes")
    says = said.filter(user__in=keys).values_list("user_id", "project_id", "created_at", "scopes")
    let = [(user, client, since) for user, client, since, scopes in uses if scope in scopes]
    clients = facts.clients_of({client for _user, client, _since in let})
    found: defaultdict[int, set[int]] = defaultdict(set)
    lives = _Access(people, among).lives
    for user, key, since in let:
        client = clients.get(key)
        if client is not None and client.project.id not in found[user] and lives(user, client, since):
            found[user].add(client.project.id)
    left = [one[:3] for one in says if scope in one[3] and one[1] not in found[one[0]]]
    of_projects = _enabled_of({project for _user, project, _since in left})
    for user, project, since in left:
        if any(lives(user, one, since) for one in of_projects.get(project, ())):
            found[user].add(project)
    return {one.sub: frozenset(found[one.pk]) for one in people}


class _Access:
    """Whether somebody's access is not dead: read once for all of these people."""

    def __init__(self, people: Collection[User], among: Collection[int]) -> None:
        self._people = {one.pk: one for one in people}
        self._belongs = admission.belongs_each(self._people.keys())
        self._tested = admission.tested_by_each(self._people.keys(), among)

    def lives(self, key: int, client: ClientFacts, since: datetime) -> bool:
        if ended(since, self._people[key].tokens_not_before) or not client_lives(client, since):
            return False
        return admits(client.project, key, client.sign_in, self._belongs[key], self._tested[key])


def _enabled_of(projects: Collection[int]) -> dict[int, list[ClientFacts]]:
    names = Client.objects.filter(project__in=projects, enabled=True).values_list("client_id", flat=True)
    return grouped((one.project.id, one) for one in facts.find_clients(names).values())


def _knowing(at: datetime, among: Collection[int]) -> tuple[QuerySet[Authorization], QuerySet[Consent]]:
    """What these projects knew people by."""
    alive = Q(ended_at__isnull=True) | Q(ended_at__gte=at)
    lasts = Q(ends_at__isnull=True) | Q(ends_at__gt=at)
    used = Authorization.objects.filter(alive, lasts, created_at__lte=at, client__project__in=among)
    said = Consent.objects.filter(lasts, created_at__lte=at, project__in=among).exclude(**NOTHING_LEFT)
    return used.exclude(ended_by_itself(at)), said
