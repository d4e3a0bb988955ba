"""Counters of failures: nothing empties them, and while their cache is away each process counts for itself."""

from __future__ import annotations

import logging
import time

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache, caches

from common import counters
from common.counters import Limit
from common.memory import Memory
from idp.environment import with_counters

LIMIT = Limit("test", 3, 300)


def test_a_limit_is_reached_after_so_many_and_not_before() -> None:
    for number in range(LIMIT.amount):
        assert not counters.is_reached(LIMIT, "somebody")
        assert counters.count(LIMIT, "somebody") == number + 1
    assert counters.is_reached(LIMIT, "somebody")
    assert not counters.is_reached(LIMIT, "somebody else")


def test_it_ends_with_its_time() -> None:
    with time_machine.travel(0, tick=False):
        for _ in range(LIMIT.amount):
            counters.count(LIMIT, "somebody")
    with time_machine.travel(LIMIT.seconds - 1, tick=False):
        assert counters.count(LIMIT, "somebody") == LIMIT.amount + 1
        assert counters.is_reached(LIMIT, "somebody")
    with time_machine.travel(LIMIT.seconds + 1, tick=False):
        assert not counters.is_reached(LIMIT, "somebody")
        assert counters.count(LIMIT, "somebody") == 1


def test_what_was_no_failure_is_taken_back() -> None:
    counters.take_back(LIMIT, "nobody")
    for _ in range(10):
        counters.count(LIMIT, "somebody")
        counters.take_back(LIMIT, "somebody")
    assert counters.count(LIMIT, "somebody") == 1


def test_a_counter_can_be_cleared() -> None:
    counters.count(LIMIT, "somebody")
    assert counters.clear(LIMIT, "somebody")
    assert not counters.clear(LIMIT, "somebody")


def test_what_is_used_once_is_used() -> None:
    assert counters.is_first_use("code", 90, "person", "123456")
    assert not counters.is_first_use("code", 90, "person", "123456")
    assert counters.is_first_use("code", 90, "person", "654321")


def test_a_flood_empties_nothing_that_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that occur once go before those that occurred again, however long ago, and before used codes."""
    monkeypatch.setattr(caches[counters.ALIAS], "_max_entries", 300)
    for _ in range(LIMIT.amount):
        counters.count(LIMIT, "somebody")
    counters.is_first_use("code", 90, "123456")
    for number in range(5_000):
        counters.count(LIMIT, f"flood {number}")
    assert counters.is_reached(LIMIT, "somebody")
    assert not counters.is_first_use("code", 90, "123456")
    assert len(getattr(caches[counters.ALIAS], "_cache", {})) <= 300


def test_what_has_expired_goes_first() -> None:
    memory = Memory("expiry", {"OPTIONS": {"MAX_ENTRIES": 30}})
    memory.clear()
    with time_machine.travel(0, tick=False):
        for number in range(29):
            memory.set(f"old-{number}", 9, 10)
    with time_machine.travel(11, tick=False):
        memory.set("new-1", 1, 10)
        memory.set("new-2", 1, 10)
        assert (memory.get("new-1"), memory.get("new-2")) == (1, 1)
        assert len(getattr(memory, "_cache", {})) == 2


def test_a_process_alone_keeps_many_counters() -> None:
    assert isinstance(caches[counters.ALIAS], Memory)
    assert settings.CACHES[counters.ALIAS]["OPTIONS"]["MAX_ENTRIES"] == counters.MAX_ENTRIES


def test_a_shared_cache_holds_the_counters_of_libraries_too() -> None:
    shared = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache.example.com"}
    assert with_counters(dict(shared))[counters.ALIAS] == shared
    cache.set("theirs", [1.5], 60)
    assert caches[counters.ALIAS].get("theirs") == [1.5]


class Away:
    """A cache that fails, after some time."""

    def __init__(self) -> None:
        self.asked = 0

    def __getitem__(self, alias: str) -> Memory:
        self.asked += 1
        raise ConnectionError("no cache")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Away:
    cache = Away()
    monkeypatch.setattr(counters, "caches", cache)
    return cache


def test_while_the_cache_is_away_a_process_counts_for_itself(away: Away, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        for _ in range(LIMIT.amount):
            counters.count(LIMIT, "somebody")
    assert counters.is_reached(LIMIT, "somebody")
    assert counters.is_first_use("code", 90, "123456")
    assert not counters.is_first_use("code", 90, "123456")
    assert "counts for itself" in caplog.text


def test_a_cache_that_failed_is_not_asked_with_every_request(away: Away) -> None:
    for _ in range(20):
        counters.count(LIMIT, "somebody")
    assert away.asked == 1


def test_it_is_left_alone_from_when_it_failed_and_not_from_when_it_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails after five seconds would otherwise be asked, and waited for, again and again."""
    clock = [1000.0]

    class Slow(Away):
        def __getitem__(self, alias: str) -> Memory:
            clock[0] += 5
            return super().__getitem__(alias)

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(counters, "caches", Slow())
    for _ in range(2):
        counters.count(LIMIT, "somebody")
    assert clock == [1005.0]


def test_libraries_that_count_do_not_fail_with_the_cache(away: Away) -> None:
    assert cache.add("theirs", 1, 60)
    assert not cache.add("theirs", 1, 60)
    assert (cache.get("theirs"), cache.incr("theirs"), cache.touch("theirs", 60)) == (1, 2, True)
    cache.set("theirs", [], 60)
    assert cache.get("theirs") == []
    assert cache.delete("theirs")
    assert cache.get_many(["theirs"]) == {}
