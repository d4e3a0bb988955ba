"""What a test needs around it: PostgreSQL, a Chromium. Where it is missing the test is skipped, saying so."""

from __future__ import annotations

import os
import shutil

import pytest
from django.conf import settings

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser to drive: VESTIBULE_CHROMIUM, else the first on the PATH."""
    named = os.environ.get("VESTIBULE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
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
