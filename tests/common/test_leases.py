"""What one of several processes does: whoever holds the lease."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from clients.models import Lease
from common import leases

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_a_lease_has_one_holder_who_may_put_off_its_end() -> None:
    assert leases.take("clearing", "one", MINUTE)
    first = Lease.objects.get().until
    assert not leases.take("clearing", "another", MINUTE)
    assert leases.take("clearing", "one", 2 * MINUTE)
    assert Lease.objects.get().until > first
    assert leases.take("rotation", "another", MINUTE), "another lease is another matter"


def test_a_lease_that_ran_out_is_taken_by_whoever_comes_next() -> None:
    assert leases.take("clearing", "one that is killed", MINUTE)
    with time_machine.travel(timezone.now() + 2 * MINUTE):
        assert leases.take("clearing", "another", MINUTE)
        assert not leases.take("clearing", "one that is killed", MINUTE)


def test_only_its_holder_gives_it_back() -> None:
    leases.take("clearing", "one", MINUTE)
    leases.give_back("clearing", "another")
    assert not leases.take("clearing", "another", MINUTE)
    leases.give_back("clearing", "one")
    assert leases.take("clearing", "another", MINUTE)


def test_who_is_there_is_told_until_their_leases_run_out() -> None:
    for name in ("worker b", "worker a", "clearing"):
        leases.take(name, name, MINUTE)
    assert [one.name for one in leases.held("worker ")] == ["worker a", "worker b"]
    with time_machine.travel(timezone.now() + 2 * MINUTE):
        assert leases.held("worker ") == []
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        leases.forget_those_of_the_dead("worker ")
    assert [one.name for one in Lease.objects.all()] == ["clearing"]
