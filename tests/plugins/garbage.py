"""What is there before the first test stays: looking through it again and again for garbage takes a tenth of a run."""

from __future__ import annotations

import gc

import pytest

OBJECTS, ROUNDS = 50_000, 20  # Python's own are 700 and 10


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Modules and the tests that were collected are never garbage. What tests leave is looked for less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, ROUNDS, ROUNDS)
