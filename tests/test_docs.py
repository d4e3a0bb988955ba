"""The documents tell the truth about the tree: every file and test they name exists, and the map is complete."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAP = ROOT / "docs" / "protocol.md"
DECISIONS = ROOT / "docs" / "decisions"
_FOUND = [*ROOT.glob("*.md"), *(path for tree in ("docs", "tests", "verifier") for path in (ROOT / tree).rglob("*.md"))]
DOCUMENTS = sorted(path for path in _FOUND if "node_modules" not in path.parts)
_QUOTED = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?:[A-Za-z0-9_.-]+/)+[A-Za-z0-9_.-]+\.(?:py|json|ya?ml|md|html|css|txt)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SECTION = re.compile(r"protocol sections? ((?:\d+(?:\.\d+)?(?:, | and )?)+)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def quoted(text: str) -> set[str]:
    return {one.strip() for one in _QUOTED.findall(text)}


@cache
def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def rows() -> list[list[str]]:
    """The rows of the map's tables: rule, files, tests."""
    lines = [line for line in MAP.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "rule" and not row[0].startswith("---")]


# --- Every document ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_file_it_names_exists(document: Path) -> None:
    named = {one.partition("::")[0] for one in quoted(document.read_text())}
    paths = {one for one in named if _PATH.fullmatch(one) and not one.startswith("var/")}
    missing = [one for one in paths if not (ROOT / one).exists() and not (document.parent / one).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_test_it_names_exists(document: Path) -> None:
    named = [one.split("::") for one in quoted(document.read_text()) if "::" in one and one.startswith("tests/")]
    assert [f"{path}::{test}" for path, test in named if test not in functions(ROOT / path)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_inside_the_tree_leads_somewhere(document: Path) -> None:
    links = [link.partition("#") for link in _LINK.findall(document.read_text()) if "://" not in link]
    broken = [target for target, _sign, _anchor in links if target and not (document.parent / target).exists()]
    assert broken == []
    pages = [(document.parent / target if target else document, anchor) for target, _sign, anchor in links if anchor]
    assert [anchor for page, anchor in pages if page.suffix == ".md" and anchor not in headings(page.read_text())] == []


def headings(text: str) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


def defined(path: Path) -> set[str]:
    """Functions, classes, and what is assigned by name."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    named = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    targets = [one for node in nodes if isinstance(node, ast.Assign) for one in node.targets]
    targets += [node.target for node in nodes if isinstance(node, ast.AnnAssign)]
    return named | {one.id for one in targets if isinstance(one, ast.Name)}


def test_every_name_on_the_page_of_the_architecture_is_in_the_code() -> None:
    trees = ("common", "accounts", "projects", "clients", "provider", "idp", "tests/browser")
    known = {name for tree in trees for path in (ROOT / tree).rglob("*.py") for name in defined(path)}
    text = (ROOT / "docs" / "architecture.md").read_text()
    names = {name for one in quoted(text) if (name := one.removesuffix("()")).isidentifier()}
    assert {"GRANTS", "answer", "AT_AUTHORIZATION", "CLAIMS"} <= names
    assert names - known - {*trees, "gettext", "ModelAdmin", "admin"} == set()


# --- The map of the protocol ---------------------------------------------------------------------------------------


def test_every_rule_of_the_map_has_a_file_and_a_test() -> None:
    assert len(rows()) > 80
    for row in rows():
        assert len(row) == 3, row
        rule, files, tests = row
        assert rule.endswith((".", ";")), rule
        assert quoted(files), rule
        assert all(_PATH.fullmatch(one) for one in quoted(files)), rule
        assert quoted(tests), rule
        assert all("::" in one for one in quoted(tests)), rule


def test_no_rule_of_the_map_stands_twice() -> None:
    """Merges keep the lines of both sides: an old row then stands beside the one that replaced it."""
    tests = [row[-1] for row in rows()]
    assert [one for one in tests if tests.count(one) > 1] == []


def test_every_module_of_the_protocol_is_on_the_map() -> None:
    text = MAP.read_text()
    modules = [name(path) for path in (ROOT / "provider" / "protocol").glob("*.py")]
    assert [one for one in modules if one not in text] == []


def test_every_test_module_of_the_protocol_is_on_the_map() -> None:
    text = MAP.read_text()
    modules = [name(path) for path in (ROOT / "tests" / "provider" / "protocol").glob("test_*.py")]
    assert [one for one in modules if one not in text] == []


def test_every_section_the_code_cites_is_on_the_map() -> None:
    text = MAP.read_text()
    cited: dict[str, str] = {}
    for tree in ("common", "accounts", "projects", "clients", "provider", "idp"):
        for path in (ROOT / tree).rglob("*.py"):
            for numbers in _SECTION.findall(path.read_text()):
                cited |= dict.fromkeys(re.findall(r"\d+(?:\.\d+)?", numbers), name(path))
    assert len(cited) > 8
    known = set(re.findall(r"^## (\d+)\.", text, re.MULTILINE)) | set(
        re.findall(r"^\| (\d+\.\d+) ", text, re.MULTILINE)
    )
    assert {number: path for number, path in cited.items() if number not in known} == {}


# --- Decisions -----------------------------------------------------------------------------------------------------

PAGES = sorted(DECISIONS.glob("0*.md"))


def test_the_list_of_decisions_is_complete_and_in_order() -> None:
    listed = re.findall(r"^\| (\d{4}) \| \[(.+)\]\((.+\.md)\) \|$", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    assert [file for _number, _title, file in listed] == [page.name for page in PAGES]
    for number, title, file in listed:
        assert file.startswith(f"{number}-")
        assert (DECISIONS / file).read_text().startswith(f"# {int(number)}. {title}\n"), file


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_decision_is_one_page_with_its_problem_choice_and_price(page: Path) -> None:
    text = page.read_text()
    assert [text.count(f"**{part}.**") for part in ("Problem", "Choice", "Price")] == [1, 1, 1]
    assert len(text.split()) < 400
