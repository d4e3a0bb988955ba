"""A node whose clock is wrong: what it issues works on the others, and what they issued works there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from common import clock
from tests.world import App, Browser, claims_of

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db, pytest.mark.usefixtures("world")]
_compare = clock.compare
TWO_MINUTES = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def _compared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(clock, "compare", _compare)
    yield
    clock._Clock.behind = timedelta(0)


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_a_code_of_a_node_with_a_wrong_clock_is_exchanged_on_another(off: timedelta) -> None:
    browser = Browser("owner")
    browser.code("web")  # its consent is there
    with time_machine.travel(timezone.now() + off, tick=True):
        code = browser.code("web")
    assert App("web").exchange(code).status_code == 200


@pytest.mark.parametrize("off", [TWO_MINUTES, -TWO_MINUTES])
def test_a_node_with_a_wrong_clock_exchanges_codes_and_checks_tokens_of_others(off: timedelta) -> None:
    code, other = Browser("owner").code("web"), Browser("owner").tokens("web")
    with time_machine.travel(timezone.now() + off, tick=True):
        answer = App("web").exchange(code)
        assert answer.status_code == 200
        assert App("web").userinfo(other["access_token"]).status_code == 200
    claims = claims_of(answer.json()["id_token"])
    assert abs(claims["iat"] - timezone.now().timestamp()) < 10


def test_a_clock_that_is_off_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        clock.compare(timezone.now() + TWO_MINUTES)
    assert [record.getMessage().partition(" by ")[0] for record in caplog.records] == [
        "The clock of this machine differs from the database's"
    ]
    assert abs(clock.now() - timezone.now() - TWO_MINUTES) < timedelta(seconds=1)
    clock.compare(timezone.now() + timedelta(milliseconds=300))
    assert clock._Clock.behind == timedelta(0), "the network may be slower than that"
    clock.compare(timezone.now() - timedelta(seconds=3), took=timedelta(seconds=3))
    assert clock._Clock.behind == timedelta(0), "an answer that took so long says nothing"
