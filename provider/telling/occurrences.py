"""What no log says of a person, or not for which projects: kept in the transaction in which it happens.

Where nobody is to be told this costs one statement, of something that is rare or in nobody's way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import User
from clients.models import Authorization, Occurrence
from clients.models.telling import ToldKind
from common import clock
from provider.telling.relations import projects_of
from provider.telling.relations import told_projects as told_projects


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


@receiver(pre_delete, sender=User, dispatch_uid="telling.person_deleted")
def of_deletion(instance: User, **_signal: object) -> None:
    """An account is about to be deleted. Afterwards nobody knows which projects knew the person."""
    at = clock.now()
    projects = projects_of(instance.sub, at, told_projects())
    if projects:
        Occurrence.objects.create(at=at, kind=ToldKind.DELETED, sub=instance.sub, projects=sorted(projects))
