from __future__ import annotations

import pytest

from idp.configuration import apply
from tests.console import CONSOLE


@pytest.fixture(autouse=True)
def _console(db: None) -> None:
    """Two projects, people of every role, and some clients (tests/console.py)."""
    apply(CONSOLE, path="console.yaml")
