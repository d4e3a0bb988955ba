from __future__ import annotations

from dataclasses import replace

import pytest

from tests.benchmarks.figures import Figures, Run, ratio, summarize


def run(requests: int, seconds: float = 2.0, refused: int = 0, cpu: float = 1.0) -> Run:
    return Run(requests, refused, 0, seconds, p50=1.0, p99=5.0, cpu_seconds=cpu)


def figures(*rates: float) -> Figures:
    return Figures(rates, p50=1, p99=1, cpu_ms=1, errors=0)


def test_only_good_answers_count_as_speed() -> None:
    assert run(200).rate == 100
    assert run(200, refused=50).rate == 75


def test_processor_time_is_told_per_request() -> None:
    assert run(500, cpu=1.0).cpu_ms == 2.0
    assert run(0).cpu_ms == 0
    assert replace(run(500), database_seconds=0.25).database_ms == 0.5
    assert run(0).database_ms == 0


def test_the_median_of_the_rounds_stands_and_the_spread_beside_it() -> None:
    found = summarize([run(200), run(220), run(100)])
    assert found.rate == 100
    assert found.rates == (100, 110, 50)
    assert found.spread == pytest.approx(0.6)


def test_errors_of_all_rounds_are_kept() -> None:
    assert summarize([run(10, refused=1), run(10, refused=2)]).errors == 3


def test_a_slow_round_of_the_machine_weighs_on_both_sides_of_a_ratio() -> None:
    assert ratio(figures(100, 20, 110), figures(50, 10, 55)) == 2


def test_a_peer_that_answered_nothing_has_no_ratio() -> None:
    assert ratio(figures(100), figures(0)) is None
