"""What the environment says, and the sentences about what it should not say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command with these variables of ours and no others."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    asked = [sys.executable, *command]
    return subprocess.run(asked, cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=60)


def value_of(name: str, **environment: str) -> str:
    done = run("-c", f"from idp import settings; print(settings.{name})", **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("environment", "forgotten"),
    [
        ({}, "False"),
        ({"DATABASE_URL": "postgres://db.example/v"}, "True"),
        ({"DATABASE_URL": "postgres://db.example/v", "IDP_ISSUER": "http://localhost:8000"}, "False"),
    ],
)
def test_a_database_without_an_issuer_is_noticed(environment: dict[str, str], forgotten: str) -> None:
    assert value_of("IDP_ISSUER_FORGOTTEN", **environment) == forgotten


def test_every_line_for_cron_in_the_documents_loads_the_environment() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("* * ")]
    assert lines
    assert [line for line in lines if "set -a && . /etc/vestibule.env && " not in line] == []
