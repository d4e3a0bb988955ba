"""A process that stood still does not do late what was asked of it meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TypeAlias
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from idp import watchdog
from idp.watchdog import MAX_PAUSE, WAKES_WITHIN, Pulse, Watched

Failure: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None"


@pytest.mark.parametrize(
    ("beats", "now", "stood_still"),
    [
        ([], 1.0, False),
        ([1.0, 2.0, 3.0], 3.5, False),
        ([1.0], 1.0 + MAX_PAUSE, False),  # slow, as a busy machine is
        ([1.0], 1.5 + MAX_PAUSE, True),  # nothing has beaten yet
        ([1.0, 60.0], 60.0, True),  # it has, and what came meanwhile is read now
        ([1.0, 60.0], 60.0 + WAKES_WITHIN, False),
        ([1.0, 60.0, 61.0, 62.0], 62.5, False),
    ],
)
def test_a_pause_is_noticed_by_what_wakes_first(beats: list[float], now: float, stood_still: bool) -> None:
    pulse = Pulse(0.0)
    for beat in beats:
        pulse.beat(beat)
    assert pulse.stood_still(now) is stood_still


@pytest.mark.parametrize(
    ("method", "paused", "watched_over", "status"),
    [
        ("POST", True, True, "503 Service Unavailable"),
        ("PATCH", True, True, "503 Service Unavailable"),
        ("PUT", True, True, "503 Service Unavailable"),
        ("DELETE", True, True, "503 Service Unavailable"),
        ("GET", True, True, "200 OK"),
        ("HEAD", True, True, "200 OK"),
        ("OPTIONS", True, True, "200 OK"),
        ("POST", False, True, "200 OK"),
        ("POST", True, False, "200 OK"),  # or everything would be refused for ever
    ],
)
def test_what_was_sent_to_a_process_that_stood_still_is_asked_again_elsewhere(
    monkeypatch: pytest.MonkeyPatch, method: str, paused: bool, watched_over: bool, status: str
) -> None:
    """A refresh token that rotated at another node meanwhile would pass for stolen."""
    over = threading.Event()
    monkeypatch.setattr(Watched, "_watch", lambda _self: over.wait(60) if watched_over else None)
    answered: list[tuple[str, dict[str, str]]] = []

    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"done"]

    def start_response(said: str, headers: Sequence[tuple[str, str]], _failure: Failure = None) -> object:
        answered.append((said, dict(headers)))
        return None

    watched = Watched(application, 1, 30, os.getppid(), 1)
    if paused:
        watched.pulse = Pulse(float("-inf"))
    if not watched_over:
        watched._watching.join(60)
    body = b"".join(watched({"REQUEST_METHOD": method}, start_response))  # type: ignore[arg-type]
    over.set()
    assert answered[0][0] == status
    if status.startswith("503"):
        assert body == watchdog.SENT_AGAIN
        assert int(answered[0][1]["Retry-After"]) > 0
