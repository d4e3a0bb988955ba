"""What a test needs around it: PostgreSQL, a Chromium. Where it is missing the test is skipped, saying so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

import pytest
from django.conf import settings

DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server"})
DATABASE_MARKS = frozenset({"django_db", "browser", "foreign", "postgresql"})
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser to drive: VESTIBULE_CHROMIUM, else the first on the PATH."""
    named = os.environ.get("VESTIBULE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "leave out tests that touch no database: another run on another database had them already"
    parser.addoption("--database-only", action="store_true", help=help_text)


def needs_this_run(fixtures: Iterable[str], marks: Iterable[str]) -> bool:
    """Whether a test asks for a database, by mark or by fixture, or belongs to one run alone."""
    return not (DATABASE_FIXTURES.isdisjoint(fixtures) and DATABASE_MARKS.isdisjoint(marks))


def leave_out_pure(items: list[pytest.Item], config: pytest.Config) -> None:
    left_out = {
        item
        for item in items
        if not needs_this_run(getattr(item, "fixturenames", ()), (mark.name for mark in item.iter_markers()))
    }
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    if config.getoption("--database-only"):
        leave_out_pure(items, config)
    on_postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    has_chromium = chromium() is not None
    for item in items:
        if item.get_closest_marker("postgresql") and not on_postgresql:
            item.add_marker(pytest.mark.skip(reason="needs PostgreSQL"))
        if item.get_closest_marker("browser") and not has_chromium:
            item.add_marker(pytest.mark.skip(reason="needs Chromium"))
        if item.get_closest_marker("browser") or item.get_closest_marker("foreign"):
            # One worker takes them all: a second browser or server at the same time only makes both slow.
            item.add_marker(pytest.mark.xdist_group("live"))
