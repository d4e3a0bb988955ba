"""Many people at once: what is done to one of them, and how many of what that ends. All of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet

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


@dataclass(frozen=True)
class Numbers:
    """Up to `living.COUNTED` of each, counted once somebody asks. `oneself`: whoever asks, if among these people."""

    people: QuerySet[User]
    oneself: User | None = None

    @cached_property
    def browsers(self) -> int:
        since = sign_in.session_cutoff(clock.now())
        return counted(SignIn.objects.filter(user__in=self._keys, ended_at=None, seen_at__gte=since))

    @cached_property
    def authorizations(self) -> int:
        usable = {"user__in": self._keys, "user__is_active": True, "client__enabled": True}
        return counted(Authorization.objects.filter(live.may_live(), **usable))

    @cached_property
    def second_steps(self) -> int:
        """People who have some."""
        return Authenticator.objects.filter(user__in=self._keys).values("user").distinct().count()

    @cached_property
    def own_second_step(self) -> bool:
        """Whether whoever asks is about to lose their own."""
        return self.oneself is not None and Authenticator.objects.filter(user=self.oneself).exists()

    @property
    def _keys(self) -> QuerySet[User, int]:
        return self.people.values_list("pk", flat=True)


def locked(keys: set[int], by: User) -> People:
    """Those of them that are there. Nobody else changes them until the transaction ends, nor anybody who may do
    everything: two of them must not deactivate each other.

    All rows by one statement, in one order, so that nobody waits for who waits for them. Whoever waited may have lost
    the right meanwhile.
    """
    wanted = Q(pk__in=keys) | Q(pk=by.pk) | Q(is_superuser=True, is_active=True)
    rows = list(User.objects.select_for_update().filter(wanted).order_by("pk"))
    if not any(one.pk == by.pk and one.is_superuser and one.is_active for one in rows):
        raise PermissionDenied
    return [one for one in rows if one.pk in keys]


def obstacles(keys: set[int], by: User) -> list[str]:
    """Sentences that say why these must not all be deactivated. Whoever is about to do it has them `locked`."""
    if by.pk in keys:
        return [str(NOT_FROM_YOURSELF)]
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk__in=keys)
    return [] if others.exists() else [changes.LAST_SUPERUSER]


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
        done = changes.remove_second_steps_of(people)
        said: dict[str, Detail] = {"changed": ["second_steps"]}
        record_each(by, "person.changed", [{"person": one.sub, **said, "is_active": one.is_active} for one in done])
    return done
