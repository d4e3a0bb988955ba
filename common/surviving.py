"""Django's default cache, for libraries that count there: what the cache of counters keeps, and like it never away."""

from __future__ import annotations

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from common import counters


class Surviving(BaseCache):
    """While the shared cache does not answer, each process counts for itself instead of failing."""

    def __init__(self, _location: str, params: dict[str, object]) -> None:
        super().__init__(params)

    def get(self, key: str, default: object = None, version: int | None = None) -> object:
        return counters.ask(lambda cache: cache.get(key, default, version))

    def add(self, key: str, value: object, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(counters.ask(lambda cache: cache.add(key, value, timeout, version)))

    def set(self, key: str, value: object, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        counters.ask(lambda cache: cache.set(key, value, timeout, version))

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(counters.ask(lambda cache: cache.touch(key, timeout, version)))

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(counters.ask(lambda cache: cache.delete(key, version)))

    def clear(self) -> None:
        counters.ask(lambda cache: cache.clear())
