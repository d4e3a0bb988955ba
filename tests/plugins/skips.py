"""A run with a skip or an expected failure nobody agreed to is a failed run: tests must not fall silent.

To allow one, add its exact reason here, where a review sees it; before that of a failure goes "expected failure: ".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

ALLOWED_SKIPS = frozenset(
    {
        "needs PostgreSQL",  # on SQLite; the same tests run on PostgreSQL
        "needs SQLite",  # on PostgreSQL; the same tests run on SQLite
    }
)
# On a developer's machine only: the gate has to have what these ask for.
ALLOWED_SKIPS_OUTSIDE_CI = frozenset(
    {
        "needs Chromium",
        "needs Node and its packages",
        "needs Apache with mod_auth_openidc",
        "needs slapd and requirements/ldap.txt",
        # Programs of others, which the gate does not run.
        "needs go",
        "needs java",
        "needs java and mvn",
        "needs mvn",
        "needs node and npm",
        "needs npm",
        "needs dovecot",
        "needs nginx",
        "needs root for dovecot",
    }
)

OUTPUT = "unallowed_skips"


def allowed() -> frozenset[str]:
    return ALLOWED_SKIPS | (frozenset() if os.environ.get("CI") else ALLOWED_SKIPS_OUTSIDE_CI)


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    expected_failure = getattr(report, "wasxfail", None)
    if expected_failure is not None:
        return f"expected failure: {expected_failure}"
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


class SkipWatch:
    """Notes skips where tests run; with xdist the workers hand theirs to the controller when they end."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and reason(report) not in allowed():
            self.found.append(f"{report.nodeid}: {reason(report)}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "node"):  # a worker's report, which that worker has noted
            self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        self.found += getattr(node, "workeroutput", {}).get(OUTPUT, [])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        if self.found and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[OUTPUT] = self.found
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.found:
            terminalreporter.section("skips that are not on the list in tests/plugins/skips.py", red=True)
            for line in sorted(set(self.found)):
                terminalreporter.line(line, red=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SkipWatch(), "skip-watch")
