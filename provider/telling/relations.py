"""Who is told, and of whom: a project hears only of people who allowed its apps something, and of nobody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import User
from clients.models import Authorization, Client, Stream, Webhook
from projects import admission
from projects.apis import admits
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
    if not among:
        return frozenset()
    used, said = _knowing(at, among)
    belongs = admission.belongs(user.pk)

    def lets_know(client: ClientFacts, since: datetime) -> bool:
        dead = ended(since, user.tokens_not_before) or not client_lives(client, since)
        return not dead and admits(client.project, user.pk, client.sign_in, belongs)

    found = {
        client.project.id
        for one in used.filter(user=user)
        if scope in one.scopes
        and (client := facts.client_of(one.client_id)) is not None
        and lets_know(client, one.created_at)
    }
    for project, created_at, scopes in said.filter(user=user).values_list("project", "created_at", "scopes"):
        if scope in scopes and project not in found:
            clients = Client.objects.filter(project=project, enabled=True).values_list("client_id", flat=True)
            if any(lets_know(client, created_at) for client in facts.find_clients(clients).values()):
                found.add(project)
    return frozenset(found)


def _knowing(at: datetime, among: Collection[int]) -> tuple[QuerySet[Authorization], QuerySet[Consent]]:
    """What these projects knew people by."""
    alive = Q(ended_at__isnull=True) | Q(ended_at__gte=at)
    lasts = Q(ends_at__isnull=True) | Q(ends_at__gt=at)
    used = Authorization.objects.filter(alive, lasts, created_at__lte=at, client__project__in=among)
    said = Consent.objects.filter(lasts, created_at__lte=at, project__in=among).exclude(**NOTHING_LEFT)
    return used.exclude(ended_by_itself(at)), said
