"""The verifier stands alone: an API takes two folders with it and nothing of the provider."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import vestibule_verifier

FOLDER = Path(vestibule_verifier.__file__).parent
ROOT = FOLDER.parents[1]
ADAPTERS = {"django.py": {"django", "asgiref"}, "rest_framework.py": {"rest_framework"}}


def imported(path: Path) -> set[str]:
    """Top-level packages a file imports, and of ours the first two names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has relative imports"
            names.add(node.module or "")
    return {".".join(name.split(".")[: 2 if name.split(".")[0] in ("clients", "projects") else 1]) for name in names}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_a_module_imports_only_what_an_api_has(path: Path) -> None:
    foreign = imported(path) - set(sys.stdlib_module_names)
    allowed = {"vestibule_verifier", "projects.matcher", "jwcrypto"} | ADAPTERS.get(path.name, set())
    assert foreign <= allowed


def test_it_works_where_only_it_and_the_matcher_were_copied_and_without_django(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "clients" / "verifier")
    (tmp_path / "projects").mkdir()
    shutil.copy(ROOT / "projects" / "matcher.py", tmp_path / "projects")
    program = (
        "import sys; from vestibule_verifier import LocalVerifier, Provider;"
        "LocalVerifier(Provider('https://id.example.com'), 'https://api.example.com');"
        "print([name for name in sys.modules if name.partition('.')[0] in ('django', 'rest_framework', 'idp')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
