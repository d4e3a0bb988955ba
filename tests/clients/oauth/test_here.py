"""Statements go where Django's own go, whatever runs in the thread."""

from __future__ import annotations

import asyncio
from typing import Any

from django.db import connections

from clients.oauth.here import here


def test_an_event_loop_in_the_thread_has_another_connection() -> None:
    """One that was kept would miss the transaction it belongs to, and nobody would notice."""

    async def inside() -> tuple[Any, Any]:
        return here(), connections["default"]

    before = here()
    ours, djangos = asyncio.run(inside())
    assert ours is djangos
    assert ours is not before
    assert here() is before is connections["default"]
