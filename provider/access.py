"""What a person has granted to each project, and how they revoke it (protocol sections 11 and 15).

The consent counts, and every live Authorization: apps that share no consent have their Authorizations only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import F, Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import User
from clients import remains
from clients.models import Authorization, Client, DeviceGrant, Grant, RefreshToken
from common import clock
from projects import ends
from projects.apis import apis_near, project_facts
from projects.consent import Permission, lost_with_audience, outermost, overlaps, without
from projects.facts import Apis
from projects.models import Consent, ConsentMode, Project
from provider.store import events, live

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
    """Every project that this person has granted something, the one used last first."""
    said = {row.project_id: row for row in consents(user)}
    live_in = _live(user).values_list("client__project", flat=True).distinct()
    projects = Project.objects.filter(pk__in={*said, *live_in}).select_related("consent_screen")
    found = [_access(user, project, said.get(project.pk)) for project in projects]
    return sorted((one for one in found if one), key=lambda one: one.last_used or one.since, reverse=True)


def get_access(user: User, key: str) -> Access:
    """What the project with this key was granted. Raises NotGranted, also when there is no such project."""
    project = Project.objects.filter(key=key).select_related("consent_screen").first()
    access = project and _access(user, project, consents(user).filter(project=project).first())
    if not access:
        raise NotGranted
    return access


def consents(user: User) -> QuerySet[Consent]:
    """Those that count: nobody chose an end for them, or it has not come."""
    return Consent.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=clock.now()), user=user)


def _live(user: User) -> QuerySet[Authorization]:
    """Of the apps of projects; guests are a matter of their own (`provider.guest_access`)."""
    return Authorization.objects.filter(live.may_live(), user=user, project__isnull=True)


def _access(user: User, project: Project, consent: Consent | None) -> Access | None:
    held = _held_permission(user, project, consent)
    if not held and not _live(user).filter(client__project=project).exists():
        return None
    counted = Authorization.objects.filter(user=user) if consent else _live(user)
    uses = _app_uses(counted.filter(client__project=project))
    began = [*([consent.created_at] if consent else []), *(use.since for use in uses)]
    shown = outermost(held, apis_near(held.audiences).covers)
    last_used = max((use.last_used for use in uses), default=None)
    return Access(project, held, shown, uses, min(began), last_used, _ends_at(user, project))


def _held_permission(user: User, project: Project, consent: Consent | None) -> Permission:
    """The consent and the ceilings of live Authorizations; all audiences, also those that another one covers."""
    rows: Iterable[tuple[list[str], list[str]]] = (
        _live(user).filter(client__project=project).values_list("scopes", "audiences").distinct()
    )
    given = [(consent.scopes, consent.audiences)] if consent else []
    scopes, audiences = zip(*[*given, *rows], strict=True) if given or rows else ((), ())
    return Permission(_distinct(scopes), _distinct(audiences))


def _distinct(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for values in lists for one in values))


def _ends_at(user: User, project: Project) -> datetime | None:
    """When the last of what is alive there ends by itself; None: something does not, or nothing is."""
    limits = project_facts(project)
    begun = _live(user).filter(client__project=project).values_list("created_at", "ends_at")
    each = [ends.end_of(created_at, ends_at, limits) for created_at, ends_at in begun]
    return max(filter(None, each), default=None) if None not in each else None


def _app_uses(authorizations: QuerySet[Authorization]) -> tuple[AppUse, ...]:
    moments = authorizations.values("client").annotate(
        since=Min("created_at"), last_used=Max(Coalesce(F("rotated_at"), F("created_at")))
    )
    rows = {int(row["client"]): row for row in moments}
    clients = Client.objects.filter(pk__in=rows).select_related("project")
    uses = [AppUse(client, rows[client.pk]["since"], rows[client.pk]["last_used"]) for client in clients]
    return tuple(sorted(uses, key=lambda use: use.last_used, reverse=True))


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
