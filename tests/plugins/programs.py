"""Programs of others, each in an environment of its own, are not run by the gate: `make foreign` asks for them.

Installing and starting them takes minutes. Where they are left out the run says so.
"""

from __future__ import annotations

import pytest

from tests.plugins.left_out import LeftOut

OPTION = "--programs"
SENTENCE = "{count} tests with programs of others are left out: run by `make foreign`"


def is_of_others(item: pytest.Item) -> bool:
    return item.get_closest_marker("programs") is not None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="run the tests with programs of others, installing them first")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption(OPTION):
        config.pluginmanager.register(LeftOut("programs", is_of_others, SENTENCE), "programs-left-out")
