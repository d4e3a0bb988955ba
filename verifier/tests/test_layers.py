"""The verifier stands alone: an API installs one package, and gets nothing of the provider and no Django with it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import vestibule_verifier

PACKAGE = Path(vestibule_verifier.__file__).parent
DISTRIBUTION = PACKAGE.parent
ADAPTERS = {"django.py": {"django", "asgiref"}, "rest_framework.py": {"rest_framework"}}
ADAPTERS["rest_framework_nonces.py"] = ADAPTERS["rest_framework.py"]
ADAPTERS |= {"mcp.py": {"mcp", "starlette"}, "fastmcp.py": {"fastmcp", "pydantic", "starlette"}}


def imported(path: Path) -> set[str]:
    """Top-level packages a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has relative imports"
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_a_module_imports_only_what_an_api_has(path: Path) -> None:
    foreign = imported(path) - set(sys.stdlib_module_names)
    assert foreign <= {"vestibule_verifier", "jwcrypto"} | ADAPTERS.get(path.name, set())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the distribution was built and installed by its path, without a network."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(DISTRIBUTION)]
    subprocess.run(command, check=True)
    return folder


def told(installed: Path, program: str) -> str:
    """What a program prints in an interpreter that finds the installed package and no folder of the checkout."""
    start = f"import sys; sys.path.insert(0, {str(installed)!r}); "
    return subprocess.check_output([sys.executable, "-I", "-c", start + program], cwd=installed, text=True).strip()


def test_it_works_where_only_it_was_installed_and_without_django(installed: Path) -> None:
    program = (
        "from vestibule_verifier import LocalVerifier, Provider;"
        "LocalVerifier(Provider('https://id.example.com'), 'https://api.example.com');"
        "print(LocalVerifier.__module__, sys.modules['vestibule_verifier'].__file__);"
        "print({name.partition('.')[0] for name in sys.modules} & {'django', 'rest_framework', 'projects', 'idp'})"
    )
    file = installed / "vestibule_verifier" / "__init__.py"
    assert told(installed, program) == f"vestibule_verifier.local {file}\nset()"


def test_every_module_and_the_mark_that_it_is_typed_are_installed(installed: Path) -> None:
    source = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    found = {path.name for path in (installed / "vestibule_verifier").iterdir() if path.name != "__pycache__"}
    assert found == source
    assert {"py.typed", "matcher.py", "django.py"} <= found


def test_it_asks_for_jwcrypto_alone_and_for_frameworks_by_extra(installed: Path) -> None:
    program = "from importlib.metadata import requires; print(*requires('vestibule-verifier'), sep='\\n')"
    needs = [line.partition(" ; ") for line in told(installed, program).splitlines()]
    assert [name.partition(">")[0] for name, _if, extra in needs if not extra] == ["jwcrypto"]
    assert {extra for _name, _if, extra in needs if extra} == {
        f'extra == "{one}"' for one in ("django", "drf", "mcp", "fastmcp")
    }
