"""When what a person allowed ends by itself (protocol section 20)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from projects.ends import DAY, SETTLING, end_of, not_before, offered
from projects.facts import ProjectFacts

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = BEGUN + timedelta(days=7)
YEAR = BEGUN + timedelta(days=365)


@pytest.mark.parametrize(
    ("ends_at", "longest", "ends"),
    [
        (None, None, None),
        (WEEK, None, WEEK),
        (None, 7 * DAY, WEEK),
        (WEEK, DAY, BEGUN + timedelta(days=1)),
        (WEEK, 365 * DAY, WEEK),
        (YEAR, 7 * DAY, WEEK),
    ],
    ids=["never", "as fixed", "cut", "shortened since", "lengthened since", "shortened since, from a year"],
)
def test_the_earlier_of_what_was_fixed_and_what_the_project_says_now(
    ends_at: datetime | None, longest: int | None, ends: datetime | None
) -> None:
    assert end_of(BEGUN, ends_at, ProjectFacts(1, longest_grant=longest)) == ends


def test_what_a_longest_grant_had_ended_stays_ended_when_it_is_lifted() -> None:
    now = BEGUN + timedelta(days=8)
    lifted = ProjectFacts(1, grants_not_before=not_before(None, 7 * DAY, None, now))
    assert end_of(BEGUN, None, lifted) == BEGUN, "over since it began"
    alive = now - timedelta(days=7) + SETTLING
    assert end_of(alive, None, lifted) is None


@pytest.mark.parametrize(
    ("so_far", "before", "after", "moment"),
    [
        (None, None, DAY, None),
        (None, 7 * DAY, DAY, None),
        (None, DAY, DAY, None),
        (None, DAY, 7 * DAY, YEAR - timedelta(days=1) + SETTLING),
        (None, DAY, None, YEAR - timedelta(days=1) + SETTLING),
        (YEAR, DAY, None, YEAR),
        (BEGUN, None, DAY, BEGUN),
    ],
    ids=["set", "shortened", "same", "lengthened", "lifted", "never earlier than before", "stays"],
)
def test_only_a_longer_one_moves_the_moment(
    so_far: datetime | None, before: int | None, after: int | None, moment: datetime | None
) -> None:
    assert not_before(so_far, before, after, YEAR) == moment


@pytest.mark.parametrize(("longest", "days"), [(None, [1, 7, 30, 90, 365]), (30 * DAY, [1, 7]), (DAY, []), (60, [])])
def test_a_person_may_only_choose_less(longest: int | None, days: list[int]) -> None:
    assert [one // DAY for one in offered(longest)] == days
