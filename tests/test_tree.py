"""Tests mirror the tree, or stand where they do by a rule of tests/README.md."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
LAYERS = ("common", "accounts", "projects", "clients", "provider", "idp")

# Folders of tests that are about no folder of the product, and what is in them.
APART = {
    "references": "the protocol's promises as acceptance tests, by behaviour and not by file",
    "races": "what only PostgreSQL shows: two at once, broken connections, killed processes",
    "conformance": "what the OpenID certification plans ask",
    "foreign": "clients and APIs written by others, against a live server",
    "browser": "the pages in Chromium",
    "benchmarks": "how fast it is, beside others",
    "soak": "what is left of promises when nodes, PostgreSQL and Redis are killed under load",
    "verifier": "our verifier in an API, against this provider",
    "plugins": "what holds for all tests",
}
# Below a layer: what a file is about that has no module of its name, by rule.
BY_RULE = {
    "accounts/test_*.py": "what people do with their account, page after page, by the word for it",
    "provider/endpoints/test_*.py": "a rule of the protocol as apps and browsers meet it, by the name of the rule",
    "idp/test_database_*.py": "what operators and visitors are told when the database is empty or not there",
}


def files() -> list[str]:
    return sorted(path.relative_to(TESTS).as_posix() for layer in LAYERS for path in (TESTS / layer).rglob("test_*.py"))


def subjects(folder: PurePosixPath) -> set[str]:
    """What a test of this folder may be named after: it, what is in it, and the commands of a layer."""
    places = [ROOT / folder]
    if len(folder.parts) == 1:
        places.append(ROOT / folder / "management" / "commands")
    found = {path.stem for place in places if place.is_dir() for path in place.iterdir() if _is_module(path)}
    return found | {folder.name}


def _is_module(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").exists()


def mirrors(file: str) -> bool:
    """Whether it bears the name of what it is about, alone or with the side of it that it looks at."""
    path = PurePosixPath(file)
    words = path.stem.removeprefix("test_").split("_")
    known = subjects(path.parent)
    return any("_".join(words[:count]) in known for count in range(1, len(words) + 1))


@pytest.mark.parametrize("file", files())
def test_a_test_stands_where_its_subject_does(file: str) -> None:
    assert mirrors(file) or any(fnmatchcase(file, pattern) for pattern in BY_RULE), "move or rename it: tests/README.md"


@pytest.mark.parametrize("pattern", BY_RULE)
def test_every_rule_is_needed(pattern: str) -> None:
    assert [file for file in files() if fnmatchcase(file, pattern) and not mirrors(file)] != []


def test_every_folder_of_tests_is_a_layer_or_stands_apart_for_a_reason() -> None:
    folders = {path.name for path in TESTS.iterdir() if list(path.glob("*.py"))}
    assert folders == {*LAYERS, *APART}


def test_the_rules_are_written_where_a_reader_finds_them() -> None:
    text = " ".join((TESTS / "README.md").read_text().split())
    for name, reason in (*APART.items(), *BY_RULE.items()):
        assert f"`{name}" in text, name
        assert reason in text, name
