"""Programs of others, each in an environment of its own, are not run by the gate: `make foreign` asks for them.

Installing and starting them takes minutes. Where they are left out the run says so.
"""

from __future__ import annotations

from typing import Any

import pytest

OPTION = "--programs"
OUTPUT = "programs_left_out"


class LeftOut:
    """Counts them where tests are collected; with xdist each worker collects all, and tells the controller."""

    def __init__(self) -> None:
        self.count = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item], config: pytest.Config) -> None:
        left_out = [item for item in items if item.get_closest_marker("programs")]
        self.count = len(left_out)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        self.count = getattr(node, "workeroutput", {}).get(OUTPUT, self.count)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[OUTPUT] = self.count

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.count:
            terminalreporter.line(f"{self.count} tests with programs of others are left out: run by `make foreign`")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="run the tests with programs of others, installing them first")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption(OPTION):
        config.pluginmanager.register(LeftOut(), "programs-left-out")
