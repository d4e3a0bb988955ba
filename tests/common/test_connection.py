"""Statements go where Django's own go, whatever runs in the thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

from common.connection import connection, pin_connection, unpin_connection


def test_an_event_loop_in_the_thread_has_another_connection() -> None:
    """One that was kept would miss the transaction it belongs to, and nobody would notice."""

    async def inside() -> tuple[Any, Any]:
        return connection(), connections["default"]

    before = connection()
    ours, djangos = asyncio.run(inside())
    assert ours is djangos
    assert ours is not before
    assert connection() is before is connections["default"]


def test_what_is_held_is_found_until_it_is_let_go(monkeypatch: Any) -> None:
    asked: list[str] = []
    find = type(connections).__getitem__

    def noting(self: Any, name: str) -> Any:
        asked.append(name)
        return find(self, name)

    monkeypatch.setattr(type(connections), "__getitem__", noting)
    held = pin_connection()
    assert connection() is connection() is held
    assert asked == ["default"]
    unpin_connection()
    assert connection() is held
    assert asked == ["default"] * 2


def test_what_one_thread_holds_is_not_held_in_another() -> None:
    pin_connection()
    try:
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(connection).result()
        assert other is not connection()
    finally:
        unpin_connection()
