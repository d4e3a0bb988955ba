"""Statements go where Django's own go, whatever runs in the thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

from common.connection import here, hold, let_go


def test_an_event_loop_in_the_thread_has_another_connection() -> None:
    """One that was kept would miss the transaction it belongs to, and nobody would notice."""

    async def inside() -> tuple[Any, Any]:
        return here(), connections["default"]

    before = here()
    ours, djangos = asyncio.run(inside())
    assert ours is djangos
    assert ours is not before
    assert here() is before is connections["default"]


def test_what_is_held_is_found_until_it_is_let_go(monkeypatch: Any) -> None:
    asked: list[str] = []
    find = type(connections).__getitem__
    monkeypatch.setattr(type(connections), "__getitem__", lambda self, name: asked.append(name) or find(self, name))
    held = hold()
    assert here() is here() is held
    assert asked == ["default"]
    let_go()
    assert here() is held
    assert asked == ["default"] * 2


def test_what_one_thread_holds_is_not_held_in_another() -> None:
    hold()
    try:
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(here).result()
        assert other is not here()
    finally:
        let_go()
