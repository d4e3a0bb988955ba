"""Sending what waits: whoever is slow to answer keeps waiting only what waits for them."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from clients.models.logout import NoticeState, Whom
from provider import outboxes
from provider.outboxes import Attempt, Job, Sent
from provider.patience import Patience

pytestmark = pytest.mark.any_database


@dataclass(frozen=True)
class Row:
    name: str

    def whom(self) -> Whom | None:
        return None


class News:
    """An outbox that has one row from the start, whose receiver hangs, and another that is written meanwhile."""

    def __init__(self) -> None:
        self.answers, self.asked = threading.Event(), 0
        self.left = ["slow"]

    def next(self, patience: Patience) -> Job | None:
        self.asked += 1
        if self.asked == 3:
            self.left.append("quick")
        if not self.left:
            return None
        name = self.left.pop()
        return Job(Row(name), lambda: self._send(name), lambda _sent: Attempt(name, NoticeState.DELIVERED))

    def _send(self, name: str) -> Sent:
        if name == "slow":
            assert self.answers.wait(20), "nobody else was told meanwhile"
        else:
            self.answers.set()
        return Sent(200)


def test_what_is_written_while_a_receiver_hangs_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "LOOKED_AGAIN_AFTER", 0.01)
    told: list[str] = []
    outboxes.deliver([News()], lambda: False, lambda attempt: told.append(attempt.client_id))
    assert sorted(told) == ["quick", "slow"]
