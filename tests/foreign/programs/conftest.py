"""Where a program of others meets the provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foreign.programs.recipes import Place
from tests.foreign.programs.visitor import Visitor


@pytest.fixture
def place(issuer: str, tmp_path: Path) -> Place:
    return Place(issuer, tmp_path)


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """Somebody who closes their browser: a connection left open would keep the provider's thread."""
    somebody = Visitor()
    yield somebody
    somebody.http.close()
