"""The chapter on upgrades: its lines run, in an order that refuses nobody, and a rollback leaves the tables alone."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from common.schema import missing_migrations

PAGE = (Path(__file__).parent.parent / "docs" / "operations.md").read_text()
CHAPTER = PAGE.partition("\n## Upgrading\n")[2].partition("\n## ")[0]
UPGRADE, BACK = (
    re.findall(r"^```\n(.*?)^```", part, re.MULTILINE | re.DOTALL) for part in CHAPTER.split("### Rolling back")
)
MANAGE = ".venv/bin/python manage.py "
SERVERS = ("vestibule@8000", "vestibule@8001")


def lines(blocks: list[str]) -> list[str]:
    return [line for block in blocks for line in block.splitlines()]


def restarts(several: list[str]) -> list[str]:
    return [line.removeprefix("systemctl restart ") for line in several if line.startswith("systemctl restart ")]


@pytest.mark.parametrize("block", [*UPGRADE, *BACK], ids=["code and tables", "there", "back"])
def test_a_shell_reads_it(block: str) -> None:
    subprocess.run(["sh", "-n"], input=block, text=True, check=True)


def test_packages_and_tables_come_before_any_server() -> None:
    typed = lines(UPGRADE)
    order = [typed.index(one) for one in (".ci/venv base", f"{MANAGE}check --deploy", f"{MANAGE}migrate")]
    link = next(number for number, line in enumerate(typed) if line.startswith("ln -sfn"))
    assert [*order, link] == sorted([*order, link])
    assert link < typed.index(f"systemctl restart {SERVERS[0]}")


@pytest.mark.parametrize("blocks", [UPGRADE, BACK], ids=["there", "back"])
def test_each_server_is_ready_before_the_next_one_stops(blocks: list[str]) -> None:
    typed = lines(blocks)
    assert restarts(typed) == [*SERVERS, "vestibule-worker"]
    for server in SERVERS:
        after = typed[typed.index(f"systemctl restart {server}") + 1]
        assert after.startswith("curl -f")
        assert after.endswith(f":{server.partition('@')[2]}/healthz/ready")


def test_back_no_table_changes() -> None:
    assert not [line for line in lines(BACK) if "manage.py" in line]


@pytest.mark.any_database
@pytest.mark.django_db
def test_its_commands_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)  # set for tests that drive a browser
    commands = [line.removeprefix(MANAGE).split() for line in lines(UPGRADE) if line.startswith(MANAGE)]
    assert [name for name, *_options in commands] == ["check", "migrate"]
    for name, *options in commands:
        call_command(name, *options, stdout=io.StringIO(), stderr=io.StringIO())
    assert missing_migrations(connection) == []
