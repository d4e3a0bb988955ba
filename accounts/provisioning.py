"""Who looks after which account: the only writer of `Provisioned` (protocol section 35).

A program that brings people sees those it brought or took over, and those that no program looks after yet. It takes one
over by changing it. Somebody has one source at most, and a source takes back only what it gave.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import groups
from accounts.events import By
from accounts.models import Group, Provisioned, User
from common.json_type import Json

BATCH = 500


def people_of(source: str) -> QuerySet[User]:
    return User.objects.filter(Q(provisioned=None) | Q(provisioned__source=source))


def groups_of(source: str) -> QuerySet[Group]:
    return Group.objects.filter(source__in=("", source))


def source_of(user: User) -> str:
    row = row_of(user)
    return row.source if row else ""


def row_of(user: User) -> Provisioned | None:
    return Provisioned.objects.filter(user=user).first() if user.pk else None


@transaction.atomic
def keep(user: User, source: str, external_id: str, said: Mapping[str, Json]) -> bool:
    """From now on this source looks after them. Whether anything is other than before."""
    before = row_of(user)
    if before is None:
        Provisioned.objects.create(user=user, source=source, external_id=external_id, said=dict(said))
        return True
    changed = (before.external_id, before.said) != (external_id, dict(said))
    if changed:
        Provisioned.objects.filter(user=user, source=source).update(external_id=external_id, said=dict(said))
    return changed


@transaction.atomic
def end_of(source: str, by: By) -> None:
    """It is gone for good: what it said of groups is taken back. Accounts stay, and so do groups, with nobody by it."""
    mine = Group.objects.filter(Q(source=source) | Q(members__source=source)).distinct()
    for group in list(mine.order_by("pk")):
        groups.set_members(group, [], source, by)
    Group.objects.filter(source=source).update(source="")
    Provisioned.objects.filter(source=source).delete()
