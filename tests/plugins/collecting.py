"""While tests are collected nothing becomes garbage, and what was collected stays: the collector need not look at it.

Going through tens of thousands of tests again and again took two seconds of every process.
"""

from __future__ import annotations

import gc

import pytest

gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
