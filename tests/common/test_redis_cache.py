"""One client and one connection of Redis for each thread."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.core.cache import caches
from redis.connection import Connection

from common import redis_cache
from idp.neighbours import cache_with_time_limits


@pytest.fixture
def sent(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What Redis was asked, by whichever client; it has answered each time that it was done."""
    asked: list[tuple[Any, ...]] = []

    def execute_command(client: redis.Redis, *command: Any, **_options: Any) -> object:
        asked.append((id(client), *command))
        return None if len(asked) > 1 else True

    address = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {"default": {**cache_with_time_limits(address), "KEY_PREFIX": "idp"}}
    monkeypatch.setattr(Connection, "connect", lambda _connection, **_options: None)
    monkeypatch.setattr(Connection, "can_read", lambda _connection, **_options: False)
    monkeypatch.setattr(redis.Redis, "execute_command", execute_command)
    return asked


def test_a_client_is_not_made_for_each_call(sent: list[tuple[Any, ...]]) -> None:
    """One for what is written, and one for what is read: they may be two servers."""
    for number in range(3):
        caches["default"].set("one", number, 60)
        caches["default"].get("two")
    assert len({client for client, *_command in sent}) == 2


def test_the_first_one_is_told_so_and_the_key_ends_by_itself(sent: list[tuple[Any, ...]]) -> None:
    assert caches["default"].first("used", 60) is True  # type: ignore[attr-defined]
    assert caches["default"].first("used", 60) is False  # type: ignore[attr-defined]
    assert [command for _client, *command in sent] == [["SET", "idp:1:used", b"1", "NX", "EX", 60]] * 2


def closed(_connection: Connection, **_options: Any) -> bool:
    raise redis.ConnectionError("Connection closed by server.")


def test_what_redis_closed_when_it_was_started_again_is_not_taken_for_redis_being_away(
    sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each thread of each process would find out by itself, and count for itself meanwhile."""
    monkeypatch.setattr(redis_cache, "RESTED", 0.0)
    ended: list[Connection] = []
    monkeypatch.setattr(Connection, "disconnect", lambda connection, *_options, **_named: ended.append(connection))
    caches["default"].get("one")
    monkeypatch.setattr(Connection, "is_connected", True)
    caches["default"].get("two")
    assert not ended
    monkeypatch.setattr(Connection, "can_read", closed)
    caches["default"].get("three")
    assert len(ended) == 1
    assert len(sent) == 3


@pytest.mark.parametrize(
    ("memory", "policy"),
    [
        ({"maxmemory": 1_000, "maxmemory_policy": "allkeys-lru"}, "allkeys-lru"),
        ({"maxmemory": 1_000, "maxmemory_policy": "noeviction"}, ""),
        ({"maxmemory": 0, "maxmemory_policy": "volatile-lru"}, ""),
        ({}, ""),
        (redis.exceptions.NoPermissionError("this user may not run info"), ""),
    ],
)
def test_how_it_forgets_is_told(
    sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, memory: dict[str, object] | Exception, policy: str
) -> None:
    def info(*_command: Any, **_options: Any) -> object:
        if isinstance(memory, Exception):
            raise memory
        return memory

    monkeypatch.setattr(redis.Redis, "execute_command", info)
    assert caches["default"].forgets_by() == policy  # type: ignore[attr-defined]
