"""What may be used once, used by many at the same moment."""

from __future__ import annotations

from functools import partial

import pytest

from provider.store import replay
from tests.races.racing import ROUNDS, THREADS, race

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def use(jti: str, _number: int) -> bool:
    return replay.first_use("assertion", "web", jti, 60)


def test_of_many_uses_one_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "CLEARED_EVERY", 2)
    for number in range(ROUNDS):
        firsts = race(partial(use, str(number)))
        assert sorted(firsts) == [False] * (THREADS - 1) + [True]


def test_of_many_uses_of_what_was_over_one_is_the_first() -> None:
    for number in range(ROUNDS):
        replay.first_use("assertion", "web", str(number), -1)
        firsts = race(partial(use, str(number)))
        assert sum(firsts) == 1
