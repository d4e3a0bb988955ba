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


class Broken:
    """It has one row, whose outcome arrives after the next row could not be prepared."""

    def __init__(self) -> None:
        self.failed, self.recorded, self.asked = threading.Event(), 0, 0

    def next(self, patience: Patience) -> Job | None:
        self.asked += 1
        if self.asked == 1:
            return Job(Row("one"), self._send, self._record)
        self.failed.set()
        raise ValueError("a row of another shape")

    def _send(self) -> Sent:
        return Sent(200 if self.failed.wait(20) else None)

    def _record(self, sent: Sent) -> Attempt:
        self.recorded += sent.status == 200
        return Attempt("one", NoticeState.DELIVERED)


class Unrecordable(News):
    def next(self, patience: Patience) -> Job | None:
        job = super().next(patience)
        return job and Job(job.row, lambda: Sent(200), self._record)

    def _record(self, sent: Sent) -> Attempt:
        raise OSError("no space left")


def test_an_outbox_that_fails_ends_neither_the_others_nor_what_is_under_way(caplog: pytest.LogCaptureFixture) -> None:
    broken, told = Broken(), list[str]()
    with pytest.raises(ValueError, match="another shape"):
        outboxes.deliver([broken, Unrecordable(), News()], lambda: False, lambda one: told.append(one.client_id))
    assert broken.recorded == 1, "else it would be sent again"
    assert broken.asked == 2, "it is left for the next run"
    assert sorted(told) == ["one", "quick", "slow"]
    assert "no space left" in caplog.text
