"""Tests that a run leaves out are counted, and the run says so: nothing falls silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


class LeftOut:
    """With xdist each worker collects all tests, and tells the controller.

    `sentence` speaks of `{count}` tests; `name` is of this kind alone.
    """

    def __init__(self, name: str, concerns: Callable[[pytest.Item], bool], sentence: str) -> None:
        self._name, self._concerns, self._sentence = f"left_out_{name}", concerns, sentence
        self.count = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item], config: pytest.Config) -> None:
        left_out = {item for item in items if self._concerns(item)}
        self.count = len(left_out)
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        self.count = getattr(node, "workeroutput", {}).get(self._name, self.count)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[self._name] = self.count

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.count:
            terminalreporter.line(self._sentence.format(count=self.count))
