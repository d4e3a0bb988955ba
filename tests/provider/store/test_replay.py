"""What may be used once is used once: over all processes, and only as long as it matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from clients.models import FirstUse
from common.redis_cache import RedisCache
from idp.environment import with_counters
from idp.neighbours import cache_with_time_limits
from provider.protocol.errors import TemporarilyUnavailable
from provider.store import replay
from provider.store.replay import first_use
from tests.silence import silent_server

pytestmark = pytest.mark.django_db


def test_once_and_not_twice() -> None:
    assert first_use("assertion", "web", "one", 60)
    assert not first_use("assertion", "web", "one", 60)


def test_each_kind_and_holder_and_jti_is_another() -> None:
    assert first_use("assertion", "web", "one", 60)
    assert first_use("assertion", "web", "two", 60)
    assert first_use("assertion", "service", "one", 60)
    assert first_use("proof", "web", "one", 60)


def test_no_two_read_like_two_others() -> None:
    assert first_use("assertion", "a1:", "b", 60)
    assert first_use("assertion", "a", "1:b", 60)


def test_until_it_matters_no_more() -> None:
    assert first_use("assertion", "web", "one", 60)
    with time_machine.travel(timezone.now() + timedelta(seconds=59)):
        assert not first_use("assertion", "web", "one", 60)
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert first_use("assertion", "web", "one", 60)
        assert not first_use("assertion", "web", "one", 60)


@pytest.mark.parametrize("jti", ["\0", "\ud800", "x" * 100_000, "'; --", "ä"])
def test_any_text_will_do_and_none_is_kept(jti: str) -> None:
    assert first_use("assertion", "web", jti, 60)
    assert not first_use("assertion", "web", jti, 60)
    (row,) = FirstUse.objects.all()
    assert len(row.digest) == 64
    assert set(row.digest) <= set("0123456789abcdef")


def test_it_costs_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "CLEARED_EVERY", 10**9)
    seen: list[str] = []

    def watch(execute: Callable[..., Any], statement: str, *others: Any) -> Any:
        seen.append(statement)
        return execute(statement, *others)

    with connection.execute_wrapper(watch):
        first_use("assertion", "web", "one", 60)
    assert len(seen) == 1


def test_uses_clear_away_what_is_over_so_that_the_table_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each two hundredth on average: here, each."""
    monkeypatch.setattr(replay, "CLEARED_EVERY", 1)
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        for number in range(5):
            first_use("assertion", "web", str(number), 60)
    assert first_use("assertion", "web", "new", 60)
    assert FirstUse.objects.count() == 1


def test_a_redis_keeps_it_where_one_is_configured(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no row then. What Redis does with `SET NX EX` is Redis's matter: what it is told is ours."""
    told: list[tuple[str, int]] = []

    def first(_cache: object, key: str, seconds: int) -> bool:
        told.append((key, seconds))
        return len(told) == 1

    address = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = with_counters(cache_with_time_limits(address))
    monkeypatch.setattr(RedisCache, "first", first)
    assert first_use("assertion", "web", "one", 60)
    assert not first_use("assertion", "web", "one", 60)
    ((key, seconds), again) = told
    assert (key, seconds) == (again[0], 60)
    assert "one" not in key
    assert not FirstUse.objects.exists()


def test_nothing_is_accepted_while_the_memory_is_away(settings: Any) -> None:
    with silent_server() as port:
        address = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://127.0.0.1:{port}"}
        settings.CACHES = with_counters(cache_with_time_limits(address))
        with pytest.raises(TemporarilyUnavailable):
            first_use("assertion", "web", "one", 60)
    assert not FirstUse.objects.exists(), "another node may have asked the cache meanwhile"
