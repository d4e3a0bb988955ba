"""What no log says of a person, or not for which projects: kept in the transaction in which it happens.

Where nobody is to be told this costs one statement, of something that is rare or in nobody's way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts import emails
from accounts.models import Group, User
from clients.models import Authorization, Delivery, Occurrence
from clients.models.logout import NoticeState
from clients.models.telling import ToldKind
from common import clock
from projects.models import Project, ProjectRole, RoleGrant
from projects.sectors import told_sub
from provider.telling.relations import known_to, may_know, projects_of
from provider.telling.relations import told_projects as told_projects

EMAIL = "email"  # the scope
BATCH = 500  # rows of a statement


def of_sign_ins(used: QuerySet[Authorization]) -> None:
    """Sign-ins of these authorizations ended: each project hears of its own apps."""
    told = told_projects()
    if not told:
        return
    over = F("sign_in__ended_at")  # what was taken back, or ended by itself, before that is not of it any more
    lasted = Q(ended_at__isnull=True) | Q(ended_at__gte=over), Q(ends_at__isnull=True) | Q(ends_at__gte=over)
    found = used.filter(*lasted, client__project__in=told).order_by("sign_in__ended_at", "client__client_id")
    apps: dict[tuple[datetime, str, str, int], list[str]] = defaultdict(list)
    for ended_at, sid, sub, project, client_id in found.values_list(
        "sign_in__ended_at", "sign_in", "user__sub", "client__project", "client__client_id"
    ).distinct():
        apps[ended_at or clock.now(), str(sid), sub, project].append(client_id)
    Occurrence.objects.bulk_create(
        Occurrence(
            at=ended_at,
            kind=ToldKind.ACCESS,
            sub=sub,
            projects=[project],
            detail={"reason": "signed_out", "sid": sid, "client_ids": client_ids},
        )
        for (ended_at, sid, sub, project), client_ids in apps.items()
    )


def of_ended(ending: QuerySet[Authorization], told: Collection[int], at: datetime) -> None:
    """An operator ends these authorizations now."""
    if not told:
        return
    found = ending.filter(client__project__in=told).values_list("user__sub", "client__project", "client__client_id")
    Occurrence.objects.bulk_create(
        Occurrence(
            at=at,
            kind=ToldKind.ACCESS,
            sub=sub,
            projects=[project],
            detail={"reason": "ended_by_administrator", "client_id": client_id},
        )
        for sub, project, client_id in found.order_by("user", "client").distinct()
    )


@receiver(pre_delete, sender=ProjectRole, dispatch_uid="telling.role_deleted")
def of_role_deletion(instance: ProjectRole, origin: object, **_signal: object) -> None:
    """Afterwards nobody knows who had the role. A project that is deleted as a whole is told nothing."""
    if isinstance(origin, ProjectRole) or getattr(origin, "model", None) is ProjectRole:
        _of_grants(RoleGrant.objects.filter(role=instance))


@receiver(pre_delete, sender=Group, dispatch_uid="telling.group_deleted")
def of_group_deletion(instance: Group, **_signal: object) -> None:
    """Afterwards nobody knows which roles came with the group. That its people left it is in the log."""
    _of_grants(RoleGrant.objects.filter(group=instance))


def _of_grants(ending: QuerySet[RoleGrant]) -> None:
    """Everybody who has a role by these loses it now: in each project, those whom it knows."""
    at, told = clock.now(), told_projects()
    for project in ending.filter(role__project__in=told).order_by().values_list("role__project", flat=True).distinct():
        grants = ending.filter(role__project=project)
        has = Q(role_grants__in=grants) | Q(group_members__group__role_grants__in=grants)
        subs = known_to(project, at).filter(has).order_by("pk").values_list("sub", flat=True).distinct()
        rows = (Occurrence(at=at, kind=ToldKind.ROLES, sub=sub, projects=[project]) for sub in subs.iterator())
        Occurrence.objects.bulk_create(rows, batch_size=BATCH)


@receiver(pre_delete, sender=User, dispatch_uid="telling.person_deleted")
def of_deletion(instance: User, **_signal: object) -> None:
    """An account is about to be deleted. Afterwards nobody knows which projects knew the person."""
    at = clock.now()
    projects = projects_of(instance.sub, at, told_projects())
    if projects:
        Occurrence.objects.create(at=at, kind=ToldKind.DELETED, sub=instance.sub, projects=sorted(projects))
        Occurrence.objects.filter(kind=ToldKind.EMAIL, sub=instance.sub).update(detail={})
        _forget_addresses(instance.sub, projects)


def _forget_addresses(sub: str, projects: Collection[int]) -> None:
    """Nothing that waits names somebody any more who is gone."""
    due = Delivery.objects.filter(kind=ToldKind.EMAIL, state=NoticeState.DUE)
    for project in Project.objects.filter(pk__in=projects):
        due.filter(stream__client__project=project, sub=told_sub(sub, project)).update(data={})


def of_taken_back(user: User, project: Project) -> None:
    """A person took something back: where the address is no longer this project's to know, none waits for it."""
    now = clock.now() + timedelta.resolution  # what ended in this moment has ended
    if project.pk not in told_projects() or may_know(user, EMAIL, now, (project.pk,)):
        return
    _forget_addresses(user.sub, (project.pk,))
    for one in Occurrence.objects.select_for_update().filter(kind=ToldKind.EMAIL, sub=user.sub).order_by("pk"):
        if one.detail and project.pk in one.projects:
            Occurrence.objects.create(at=one.at, kind=one.kind, sub=one.sub, projects=[project.pk], detail={})
            one.projects = [other for other in one.projects if other != project.pk]
            one.save(update_fields=["projects"])


@receiver(emails.changed, dispatch_uid="telling.address_changed")
def of_address(user: User, before: str, after: str, at: datetime, **_signal: object) -> None:
    """No log keeps addresses. Who may know it is told which one it was; everybody else, that it is another one now."""
    projects = projects_of(user.sub, at, told_projects())
    knowing = may_know(user, EMAIL, at, projects) if before else frozenset()
    for some, detail in ((knowing, {"before": before, "after": after}), (projects - knowing, {})):
        if some:
            Occurrence.objects.create(at=at, kind=ToldKind.EMAIL, sub=user.sub, projects=sorted(some), detail=detail)
