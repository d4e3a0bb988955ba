"""Django's Redis cache, with one client and one connection for each thread.

Django makes a client for each call, which costs more than what Redis is asked, and takes a connection out of the pool.
"""

from __future__ import annotations

import time
from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache as DjangoRedisCache
from django.core.cache.backends.redis import RedisCacheClient
from redis.connection import Connection

RESTED = 0.1  # seconds after which a connection is looked at before it is used; that costs some 20 microseconds


class OneClient(RedisCacheClient):
    """Django gives each thread a cache object of its own, and so a client: one for reading, one for writing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._made: dict[bool, redis.Redis] = {}
        self._asked_at: dict[bool, float] = {}

    def get_client(self, key: str | bytes | memoryview | None = None, *, write: bool = False) -> redis.Redis:
        if write not in self._made:
            pool = super().get_client(key, write=write).connection_pool
            self._made[write] = redis.Redis(connection_pool=pool, single_connection_client=True)
        client, now = self._made[write], time.monotonic()
        rested, self._asked_at[write] = now - self._asked_at.get(write, now), now
        if rested >= RESTED and client.connection is not None and _was_closed(client.connection):
            client.connection.disconnect()  # type: ignore[no-untyped-call]  # the next command connects again
        return client


def _was_closed(connection: Connection) -> bool:
    """Whether Redis has ended it since, as it does when it is started again. No pool looks: the client keeps it."""
    try:
        return connection.is_connected and connection.can_read(timeout=0)  # nothing was asked, so nothing may come
    except redis.ConnectionError:
        return True


class RedisCache(DjangoRedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OneClient

    def first(self, key: str, seconds: int) -> bool:
        """Whether there was nothing under this key. There is now, for so many seconds.

        `add` in fewer steps: it is half of what a request costs that proves a key.
        """
        client = self._cache.get_client(key, write=True)
        command = ("SET", self.make_and_validate_key(key), b"1", "NX", "EX", seconds)
        return client.execute_command(*command) is not None  # type: ignore[no-untyped-call]

    def forgets_by(self) -> str:
        """The policy by which it forgets when its memory is full. Empty: it forgets nothing, or does not tell."""
        try:
            memory = self._cache.get_client(None, write=True).info("memory")
        except redis.exceptions.ResponseError:  # whoever asks may not
            return ""
        policy = str(memory.get("maxmemory_policy", ""))
        return policy if memory.get("maxmemory") and policy != "noeviction" else ""
