"""Many people at once: what is done to one of them, and how many of what that ends. All of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from accounts import changes, sign_in
from accounts.changes import NOT_FROM_YOURSELF
from accounts.models import SignIn, User
from clients.models import Authorization
from common import clock
from projects.actors import Actor
from projects.events import Detail, record_each
from provider.living import counted
from provider.store import live

MOST = 5_000  # people in one request
People = Sequence[User]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Up to `living.COUNTED` of each."""

    browsers: int
    authorizations: int
    second_steps: int  # people who have some


def locked(keys: set[int]) -> People:
    """Nobody else changes them until the transaction ends."""
    return list(User.objects.select_for_update().filter(pk__in=keys).order_by("pk"))


def numbers(people: QuerySet[User]) -> Numbers:
    keys = people.values("pk")
    signed_in = SignIn.objects.filter(user__in=keys, ended_at=None, seen_at__gte=sign_in.session_cutoff(clock.now()))
    holding = Authorization.objects.filter(live.may_live(), user__in=keys, user__is_active=True, client__enabled=True)
    steps = Authenticator.objects.filter(user__in=keys).values("user").distinct()
    return Numbers(counted(signed_in), counted(holding), steps.count())


def obstacles(keys: set[int], by: User) -> list[str]:
    """Sentences that say why these must not all be deactivated. Until the caller's transaction ends nobody who may do
    everything stops to: two of them must not deactivate each other."""
    if by.pk in keys:
        return [str(NOT_FROM_YOURSELF)]
    with transaction.atomic():
        everything = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
        return [] if {*everything.values_list("pk", flat=True)} - keys else [changes.LAST_SUPERUSER]


def deactivate(people: People, by: Actor) -> People:
    with transaction.atomic():
        done = changes.deactivate(people)
        said: dict[str, Detail] = {"changed": ["is_active"], "is_active": False}
        record_each(by, "person.changed", [{"person": one.sub, **said} for one in done])
    return done


def sign_out(people: People, by: Actor) -> People:
    """Everywhere. Those who are signed in nowhere are left as they are."""
    with transaction.atomic():
        going_on = SignIn.objects.filter(user__in=[one.pk for one in people], ended_at=None)
        seen = set(going_on.filter(seen_at__gte=sign_in.session_cutoff(clock.now())).values_list("user", flat=True))
        done = [one for one in people if one.pk in seen]
        going_on.filter(user__in=[one.pk for one in done]).update(ended_at=clock.now())
        record_each(by, "sign_in.ended", [{"person": one.sub, "all": True} for one in done])
    return done


def remove_second_steps(people: People, by: Actor) -> People:
    """For people who lost their devices and codes. Whoever was signed in with them is signed out."""
    with transaction.atomic():
        done = [one for one in people if changes.remove_second_steps(one)]
        said: dict[str, Detail] = {"changed": ["second_steps"]}
        record_each(by, "person.changed", [{"person": one.sub, **said, "is_active": one.is_active} for one in done])
    return done
