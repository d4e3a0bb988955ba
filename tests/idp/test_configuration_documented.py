"""docs/operations.md knows every key of the configuration file and every variable of the settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from idp.configuration.schema import (
    API,
    AUDIENCE,
    CLAIM,
    CLIENT,
    CONSENT_SCREEN,
    FILE,
    MEMBERS,
    SCOPE,
    SECRETS,
    SECTIONS,
)
from idp.configuration.shape import Section

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
# Where the keys of a section that has no heading of its own are told.
TOLD_UNDER = {
    AUDIENCE.name: CLIENT.name,
    SCOPE.name: API.name,
    SECRETS.name: CLIENT.name,
    MEMBERS.name: "projects",
    CONSENT_SCREEN.name: "projects",
    CLAIM.name: "projects",
}


def chapter(heading: str) -> str:
    start = PAGE.index(f"\n{heading}\n")
    level = heading.split()[0]
    end = re.search(rf"^#{{1,{len(level)}}} ", PAGE[start + len(heading) + 2 :], re.MULTILINE)
    return PAGE[start : start + len(heading) + 2 + end.start()] if end else PAGE[start:]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_key_is_documented(section: Section) -> None:
    if section is FILE:
        text = chapter("## The configuration file")
    else:
        text = chapter(f"### `{TOLD_UNDER.get(section.name, section.name)}`")
    missing = [name for name in section.keys if not re.search(rf"`{name}[`:]", text)]
    assert missing == []


def test_no_key_is_documented_that_does_not_exist() -> None:
    known = {name for section in SECTIONS for name in section.keys}
    rows = re.findall(r"^\| (`[^|]+`) \|", chapter("## The configuration file"), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert len(told) > 40
    assert told - known == set()


def test_every_variable_is_documented_and_no_other() -> None:
    readers = (ROOT / "idp" / name for name in ("settings.py", "neighbours.py"))
    read = {name for one in readers for name in re.findall(r'(?:env\.\w+|_secret)\("([A-Z_]+)"', one.read_text())}
    assert len(read) > 10
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", chapter("## Environment"), re.MULTILINE))
    assert told == read | {"ADMIN_PASSWORD"}
