"""Keeping guest apps out by where they are, at every project at once; and letting them come anew."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clients.models import BlockedHost
from common import clock
from projects.actors import Actor, Right
from projects.events import acting, record
from projects.guest_policy import host_problem
from projects.guests import host_of
from projects.problems import Problem, require


def block(host: str, by: Actor) -> BlockedHost:
    """From now on. Raises RegistrationError."""
    with acting(by), transaction.atomic():
        require(problems(host, by))
        row, _made = BlockedHost.objects.update_or_create(host=host, defaults={"since": clock.now(), "lifted_at": None})
        record(by, "guest_host.blocked", host=host)
    return row


def problems(host: str, by: Actor) -> list[Problem]:
    if not by.may(Right.OVERRULE_MEMBERS):
        return [Problem("host", _("Only a superuser keeps guest apps out of every project."))]
    problem = host_problem(host)
    return [Problem("host", problem)] if problem else []


def lift(row: BlockedHost, by: Actor) -> bool:
    """Guests that are there may come again; what they had stays over. Answers whether it was blocked until now."""
    with acting(by), transaction.atomic():
        if not by.may(Right.OVERRULE_MEMBERS):
            require(problems(row.host, by))
        now = clock.end_of_all_before(None, on=True)
        if lifted := bool(BlockedHost.objects.filter(pk=row.pk, lifted_at=None).update(lifted_at=now)):
            record(by, "guest_host.lifted", host=row.host)
    return lifted


def found_at(places: Iterable[str]) -> tuple[bool, datetime | None]:
    """Whether guests that are there are kept out, and else before which moment everything they had is over."""
    hosts = {one for place in places for one in (place, host_of(place))}
    moments = list(BlockedHost.objects.filter(host__in=hosts).values_list("lifted_at", flat=True))
    return None in moments, max(filter(None, moments), default=None)
