"""The README stays true: its commands exist, its lines answer what it shows, its paths lead somewhere."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command, get_commands

from idp.configuration import apply
from tests.idp.pasting import pasted

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [README, (ROOT / "docs" / "operations.md").read_text()]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
CURLS = [
    (line.replace("\\\n", " "), json.loads(BLOCKS[number + 1][1]))
    for number, (_language, line) in enumerate(BLOCKS)
    if line.startswith("curl ")
]


@pytest.mark.parametrize("page", PAGES, ids=["README", "operations"])
def test_the_commands_it_names_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", page, re.MULTILINE)) <= targets
    named = set(re.findall(r"manage\.py ([a-z]+)", page))
    assert named
    assert named <= set(get_commands())


def test_the_commands_of_the_table_exist() -> None:
    named = re.findall(r"^\| `([a-z]+)[ `]", PAGES[1].split("## Environment")[0], re.MULTILINE)
    assert "applyconfig" in named
    assert set(named) <= set(get_commands())


@pytest.mark.parametrize("page", PAGES, ids=["README", "operations"])
def test_the_paths_it_names_exist(page: str) -> None:
    base = ROOT if page is README else ROOT / "docs"
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", page) if "://" not in link]
    assert [link for link in links if not (base / link).exists()] == []
    paths = re.findall(r"`((?:idp|projects|clients|tests|docs)/[\w./]*)`", page)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def same(shown: Any, real: Any) -> bool:
    """Equal but for what differs from start to start: moments, and what is cut with an ellipsis."""
    if isinstance(shown, str) and shown.endswith("…"):
        return isinstance(real, str)
    if isinstance(shown, int) and shown > 1_000_000_000:
        return isinstance(real, int)
    return bool(shown == real)


@pytest.mark.django_db
@pytest.mark.usefixtures("keys")
def test_its_lines_answer_what_it_shows(settings: Any, tmp_path: Path) -> None:
    settings.STATE_DIR = tmp_path
    output = io.StringIO()
    call_command("quickstart", "--format", "json", stdout=output, stderr=io.StringIO())
    demo = json.loads(output.getvalue())["demo"]
    values = {"$SECRET": demo["clients"][0]["client_secret"]}
    refresh = re.search(r"refresh_token=([\w-]+)", demo["commands"][2]["command"])
    assert refresh
    values["$REFRESH_TOKEN"] = refresh[1]
    assert len(CURLS) == 4
    for line, shown in CURLS:
        for name, value in values.items():
            line = line.replace(name, value)
        _status, answer = pasted(line)
        values["$TOKEN"] = answer.get("access_token", "")
        assert answer.keys() == shown.keys(), line
        assert {name for name in shown if not same(shown[name], answer[name])} == set(), line


@pytest.mark.django_db
def test_the_file_it_shows_can_be_applied() -> None:
    files = [text for language, text in BLOCKS if language == "yaml"]
    assert len(files) == 1
    assert list(apply(files[0]).generated_secrets) == ["shop-web"]


def test_the_demo_clients_it_names_are_those_of_the_demo() -> None:
    projects = yaml.safe_load((ROOT / "idp" / "demo.yaml").read_text())["projects"]
    for project in projects:
        for client in project["clients"]:
            assert f"{client['client_id']}  yourSecret   (project {project['id']})" in README
