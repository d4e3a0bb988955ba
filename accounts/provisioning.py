"""Who looks after which account: the only writer of `Provisioned` (protocol section 35).

A program that brings people sees those it brought or took over, and those that no program looks after yet. It takes one
over by changing it. Somebody has one source at most, and a source takes back only what it gave.
"""

from __future__ import annotations

from collections.abc import Mapping

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import groups
from accounts.events import By
from accounts.models import Group, Provisioned, User
from common.json_type import Json

BATCH = 500
UNUSED = ".unused"  # in `said`, where no program's own word stands: nobody could sign in to it before its source came


def people_of(source: str) -> QuerySet[User]:
    return User.objects.filter(Q(provisioned=None) | Q(provisioned__source=source))


def groups_of(source: str) -> QuerySet[Group]:
    return Group.objects.filter(source__in=("", source))


def number_of(source: str) -> int:
    """How many accounts it looks after."""
    return Provisioned.objects.filter(source=source).count()


def source_of(user: User) -> str:
    row = row_of(user)
    return row.source if row else ""


def row_of(user: User) -> Provisioned | None:
    return Provisioned.objects.filter(user=user).first() if user.pk else None


def may_readdress(user: User, source: str) -> bool:
    """Whether this source may change what they sign in with, and where mail goes that sets a password. Not of somebody
    who could sign in before it looked after them: it would take over an account that was never its own."""
    row = row_of(user)
    return row.said.get(UNUSED) is True if row and row.source == source else not has_way_in(user)


def has_way_in(user: User) -> bool:
    """A password, a passkey, or a link to somewhere else."""
    return (
        user.has_usable_password()
        or Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).exists()
        or SocialAccount.objects.filter(user=user).exists()
    )


@transaction.atomic
def keep(user: User, source: str, external_id: str, said: Mapping[str, Json]) -> bool:
    """From now on this source looks after them. Whether anything is other than before."""
    before = row_of(user)
    if before is None:
        kept = {**said, UNUSED: not has_way_in(user)}
        Provisioned.objects.create(user=user, source=source, external_id=external_id, said=kept)
        return True
    kept = {**said, UNUSED: before.said.get(UNUSED) is True}
    changed = (before.external_id, before.said) != (external_id, kept)
    if changed:
        Provisioned.objects.filter(user=user, source=source).update(external_id=external_id, said=kept)
    return changed


@transaction.atomic
def end_of(source: str, by: By) -> None:
    """It is gone for good: what it said of groups is taken back. Accounts stay, and so do groups, with nobody by it."""
    mine = Group.objects.filter(Q(source=source) | Q(members__source=source)).distinct()
    for group in list(mine.order_by("pk")):
        groups.set_members(group, [], source, by)
    Group.objects.filter(source=source).update(source="")
    Provisioned.objects.filter(source=source).delete()
