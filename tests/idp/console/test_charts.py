from __future__ import annotations

from datetime import date

from idp.console.charts import BOTTOM, HEIGHT, MOST_SERIES, TOP, WIDTH, stacked

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def test_bars_stand_on_each_other_and_the_tallest_reaches_the_top() -> None:
    chart = stacked("Tokens", [MONDAY, TUESDAY], {(MONDAY, "code"): 6, (MONDAY, "refresh"): 2, (TUESDAY, "code"): 4})
    assert (chart.series, chart.totals, chart.highest, chart.total) == (["code", "refresh"], [10, 2], 8, 12)
    assert [(day.numbers, day.total) for day in chart.days] == [([6, 2], 8), ([4, 0], 4)]
    first, second, third = chart.bars
    assert first.y + first.height == HEIGHT - BOTTOM
    assert round(second.y + second.height, 1) == first.y
    assert second.y == TOP
    assert third.x > first.x + first.width
    assert third.x + third.width < WIDTH


def test_few_series_have_a_colour_and_the_rest_is_one() -> None:
    counts = {(MONDAY, f"error {number}"): 10 - number for number in range(MOST_SERIES + 3)}
    chart = stacked("Refused", [MONDAY], counts)
    assert len(chart.series) == MOST_SERIES + 1
    assert chart.total == sum(counts.values())
    assert sum(chart.totals) == chart.total


def test_nothing_is_no_chart_and_other_days_do_not_count() -> None:
    chart = stacked("Tokens", [MONDAY], {(TUESDAY, "code"): 3})
    assert (chart.total, chart.bars, chart.series) == (0, [], [])
    assert stacked("Tokens", [], {}).total == 0


def test_of_thirty_days_some_have_a_label() -> None:
    days = [date(2026, 11, day) for day in range(1, 31)]
    shown = [day.labelled for day in stacked("Tokens", days, {}).days]
    assert 7 <= sum(shown) <= 8
    assert shown[-1], "today"
