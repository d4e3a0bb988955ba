"""A headless Chromium, the one of the machine: fixtures for the conftest of a directory to import."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.plugins.places import chromium

# Playwright runs an event loop in the thread of the test, which makes Django refuse its database there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture(scope="session")
def base_url() -> None:
    """Unused; the plugin's own is written in a way that pytest warns of."""


@pytest.fixture(scope="session")
def playwright(playwright: Any) -> Iterator[Any]:
    """Playwright, which takes its database connection along.

    While an event loop runs in a thread, Django has other connections there than before and after. Whoever closes
    connections when the loop is gone does not see them, and a database somebody is connected to cannot be dropped.
    """
    yield playwright
    connections.close_all()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    return {**browser_type_launch_args, "executable_path": chromium(), "args": arguments}
