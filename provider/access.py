"""What a person has granted to each project, and how they revoke it (protocol sections 11 and 15).

The consent counts, and every live Authorization: apps that share no consent have their Authorizations only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import User
from clients import remains
from clients.models import Authorization, Client, DeviceGrant, Grant, RefreshToken
from common import clock
from projects import ends
from projects.apis import apis_near, grouped, project_facts
from projects.consent import Permission, lost_with_audience, outermost, overlaps, without
from projects.facts import Apis
from projects.models import Consent, ConsentMode, Project
from provider.store import events, live
from provider.telling import occurrences

ENDED_BECAUSE = "taken back by the person"


class NotGranted(Exception):
    """Not granted, or no longer."""


@dataclass(frozen=True, slots=True)
class AppUse:
    """An app that used the access: since when, and when it last signed the person in or renewed its tokens."""

    client: Client
    since: datetime
    last_used: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """What this person granted to one project. `held` is as it was granted, `shown` without what others cover."""

    project: Project
    held: Permission
    shown: Permission
    uses: tuple[AppUse, ...]
    since: datetime
    last_used: datetime | None
    ends_at: datetime | None  # when the last of it ends by itself; None: it does not

    @property
    def first_party(self) -> bool:
        return self.project.consent_mode == ConsentMode.IMPLICIT


def list_access(user: User) -> list[Access]:
    """Every project that this person has granted something, the one used last first. As many statements as for one."""
    said = {row.project_id: row for row in consents(user)}
    live_in = _live(user).values_list("client__project", flat=True).distinct()
    projects = Project.objects.filter(pk__in={*said, *live_in}).select_related("consent_screen")
    return sorted(_accesses(user, projects, said), key=lambda one: one.last_used or one.since, reverse=True)


def get_access(user: User, key: str) -> Access:
    """What the project with this key was granted. Raises NotGranted, also when there is no such project."""
    projects = Project.objects.filter(key=key).select_related("consent_screen")
    said = {row.project_id: row for row in consents(user).filter(project__in=projects)}
    for access in _accesses(user, projects, said):
        return access
    raise NotGranted


def consents(user: User) -> QuerySet[Consent]:
    """Those that count: nobody chose an end for them, or it has not come."""
    return Consent.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=clock.now()), user=user)


def _live(user: User) -> QuerySet[Authorization]:
    """Of the apps of projects; guests are a matter of their own (`provider.guest_access`)."""
    return Authorization.objects.filter(live.may_live(), user=user, project__isnull=True)


class _Alive(NamedTuple):
    """A live Authorization."""

    scopes: list[str]
    audiences: list[str]
    created_at: datetime
    ends_at: datetime | None


def _accesses(user: User, projects: Iterable[Project], said: Mapping[int, Consent]) -> Iterator[Access]:
    there = list(projects)
    rows = _live(user).filter(client__project__in=there).order_by("created_at", "pk")
    columns = rows.values_list("client__project", *_Alive._fields)
    alive = grouped((project, _Alive(*values)) for project, *values in columns)
    uses = grouped((use.client.home.pk, use) for use in _app_uses(user, there, said))
    held = {project.pk: _held(said.get(project.pk), alive.get(project.pk, ())) for project in there}
    apis = apis_near(audience for one in held.values() for audience in one.audiences)
    for project in there:
        if held[project.pk] or project.pk in alive:
            mine = alive.get(project.pk, [])
            consent, used = said.get(project.pk), tuple(uses.get(project.pk, ()))
            yield _access(project, consent, held[project.pk], mine, used, apis)


def _access(
    project: Project,
    consent: Consent | None,
    held: Permission,
    alive: Sequence[_Alive],
    uses: tuple[AppUse, ...],
    apis: Apis,
) -> Access:
    began = [*([consent.created_at] if consent else []), *(use.since for use in uses)]
    last_used = max((use.last_used for use in uses), default=None)
    return Access(project, held, outermost(held, apis.covers), uses, min(began), last_used, _ends_at(project, alive))


def _held(consent: Consent | None, alive: Sequence[_Alive]) -> Permission:
    """The consent and the ceilings of live Authorizations; all audiences, also those that another one covers."""
    scopes = [*([consent.scopes] if consent else []), *(one.scopes for one in alive)]
    audiences = [*([consent.audiences] if consent else []), *(one.audiences for one in alive)]
    return Permission(_distinct(scopes), _distinct(audiences))


def _distinct(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for values in lists for one in values))


def _ends_at(project: Project, alive: Sequence[_Alive]) -> datetime | None:
    """When the last of what is alive there ends by itself; None: something does not, or nothing is."""
    limits = project_facts(project)
    each = [ends.end_of(one.created_at, one.ends_at, limits) for one in alive]
    return max(filter(None, each), default=None) if None not in each else None


def _app_uses(user: User, projects: Sequence[Project], said: Mapping[int, Consent]) -> Iterator[AppUse]:
    """Of each project the one used last first. Where something was said, what has ended counts, too."""
    theirs = Authorization.objects.filter(user=user, client__project__in=projects)
    counted = theirs.filter(Q(client__project__in=[*said]) | live.may_live())
    moments = counted.values("client").annotate(
        since=Min("created_at"), last_used=Max(Coalesce(F("rotated_at"), F("created_at")))
    )
    rows = {int(row["client"]): row for row in moments.order_by("client")}
    clients = Client.objects.filter(pk__in=rows).select_related("project")
    uses = [AppUse(client, rows[client.pk]["since"], rows[client.pk]["last_used"]) for client in clients]
    return iter(sorted(uses, key=lambda use: use.last_used, reverse=True))


# --- Revoking ------------------------------------------------------------------------------------------------------


def would_revoke(access: Access, *, scope: str = "", audience: str = "") -> Permission:
    """What revoking this scope or audience would remove. Raises NotGranted."""
    if scope in access.held.scopes:
        return Permission((scope,))
    if audience not in access.shown.audiences:
        raise NotGranted
    apis = apis_near(access.held.audiences)
    return lost_with_audience(access.held, audience, partial(_offered, apis), apis.covers)


def _offered(apis: Apis, audience: str) -> frozenset[str]:
    api = apis.resolve(audience)
    return api.scopes if api else frozenset()


def revoke(user: User, key: str, *, scope: str = "", audience: str = "") -> Permission:
    """Remove one scope or audience, and end every Authorization that contains some of it.

    Returns what was removed. Raises NotGranted.
    """
    with transaction.atomic():
        consent = _locked(user, key)
        access = get_access(user, key)
        gone, covers = would_revoke(access, scope=scope, audience=audience), apis_near(access.held.audiences).covers
        # End only what contains some of it: an app keeps its other Authorizations.
        rows = _live(user).filter(client__project=access.project).values_list("pk", "scopes", "audiences")
        held = {pk: Permission(tuple(scopes), tuple(audiences)) for pk, scopes, audiences in rows}
        over = [pk for pk, one in held.items() if overlaps(one, gone, covers)]
        ended = end(Authorization.objects.filter(pk__in=over))
        if consent:
            left = without(Permission(tuple(consent.scopes), tuple(consent.audiences)), gone, covers)
            consent.scopes, consent.audiences = list(left.scopes), list(left.audiences)
            consent.save(update_fields=["scopes", "audiences", "updated_at"])
        occurrences.of_taken_back(user, access.project)
        events.consent_revoked(user.sub, key, ended, gone.scopes, gone.audiences)
    return gone


def revoke_all(user: User, key: str) -> None:
    """Delete the consent, and with it every Authorization and token of this person in the project. Raises NotGranted.

    Where nobody was asked there is no consent to delete: the Authorizations end. Nor is it deleted where there are many
    of them (`clients.remains`): it is emptied, they end, and `cleartokens` clears them later.
    """
    with transaction.atomic():
        consent = _locked(user, key)
        access = get_access(user, key)
        everything = Authorization.objects.filter(user=user, client__project=access.project)
        many = everything.values_list("pk")[remains.FEW :].exists()
        if not many:
            _lock(everything)
        ended = end(everything)
        if consent and many:
            consent.scopes, consent.audiences, consent.ends_at = [], [], None
            consent.save(update_fields=["scopes", "audiences", "ends_at", "updated_at"])
        elif consent:
            consent.delete()
        occurrences.of_taken_back(user, access.project)
        events.consent_revoked(user.sub, key, ended)


def _locked(user: User, key: str) -> Consent | None:
    """The consent, locked: a request that adds to it at the same time waits, and then finds what is left."""
    return Consent.objects.select_for_update(of=("self",)).filter(user=user, project__key=key).first()


def _lock(authorizations: QuerySet[Authorization]) -> None:
    """Wait for token requests in progress, so that the deletion sees what they wrote. Later ones find nothing.

    Locks are taken in their order: first the code or refresh token, then the Authorization their new token points to.
    """
    for rows in (
        Grant.objects.filter(authorization__in=authorizations),
        DeviceGrant.objects.filter(authorization__in=authorizations),
        RefreshToken.objects.filter(authorization__in=authorizations),
        authorizations,
    ):
        list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def end(authorizations: QuerySet[Authorization]) -> int:
    """By the person's wish; answers how many there were."""
    return authorizations.filter(ended_at__isnull=True).update(ended_at=clock.now(), ended_because=ENDED_BECAUSE)
