"""The container files: what an image gets, and that what they set exists. `make image-check` builds and runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / ".ci"))
from image_steps import Ignored, context, stages, variables  # noqa: E402

pytestmark = pytest.mark.any_database
DEPLOYMENT = ROOT / "docs" / "deployment"
KNOWN = (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("idp/server.py", False),
        ("idp/static/vestibule/pages.css", False),
        ("manage.py", False),
        ("tests/world.py", True),
        ("tests/manage.py", True),
        ("idp/__pycache__/server.pyc", True),
        (".git/config", True),
        ("var/secrets.env", True),
        ("var/idp/x", True),
    ],
)
def test_an_image_gets_the_product_and_nothing_else(path: str, out: bool) -> None:
    assert Ignored((ROOT / ".dockerignore").read_text())(path) is out


def test_every_app_is_in_it() -> None:
    files = context()
    for app in ("accounts", "clients", "common", "idp", "projects", "provider"):
        assert f"{app}/__init__.py" in files
    assert not [path for path in files if path.startswith(("docs/", "tests/", ".ci/"))]


def test_steps_are_read_with_the_arguments_and_the_lines_that_go_on() -> None:
    read = stages('ARG BASE=debian:x\n# no\nFROM ${BASE} AS one\nRUN a \\\n    && b\nFROM ${BASE}\nENV A=1 B="2 3"\n')
    assert [(stage.name, stage.base, stage.steps) for stage in read] == [
        ("one", "debian:x", [("RUN", "a && b")]),
        ("", "debian:x", [("ENV", 'A=1 B="2 3"')]),
    ]
    assert variables('A=1 B="2 3"') == {"A": "1", "B": "2 3"}


def named() -> set[str]:
    """Every variable that compose and Kubernetes set."""
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    found = set(compose["x-vestibule"]["environment"]) | set(compose["services"]["prepare"]["environment"])
    for path in (DEPLOYMENT / "kubernetes").glob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            found |= set(document.get("data", {}))
    return {name.removesuffix("_FILE") for name in found}


@pytest.mark.parametrize("name", sorted(named()))
def test_every_variable_that_is_set_is_one(name: str) -> None:
    assert f"`{name}`" in KNOWN or f"`{name}=" in KNOWN


def test_every_secret_of_compose_is_made() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    script = (DEPLOYMENT / "secrets.sh").read_text()
    for name, secret in compose["secrets"].items():
        assert secret["file"] == f"./var/deployment/{name}"
        made = re.search(rf"\bkeep {name}\b|folder/{name}\b|for name in [a-z_ ]*\b{name}\b", script)
        assert made, name


def test_no_secret_is_empty_however_openssl_fails(tmp_path: Path) -> None:
    """And what a run that failed left behind is made by the next one. What is there stays."""
    script = tmp_path / "docs" / "deployment" / "secrets.sh"
    script.parent.mkdir(parents=True)
    script.write_text((DEPLOYMENT / "secrets.sh").read_text())
    made, programs = tmp_path / "var" / "deployment", tmp_path / "programs"
    made.mkdir(parents=True)
    programs.mkdir()
    (programs / "openssl").write_text("#!/bin/sh\nexit 1\n")
    (programs / "openssl").chmod(0o755)
    path = os.environ["PATH"]
    failed = subprocess.run(["sh", script], env={"PATH": f"{programs}:{path}"}, capture_output=True, check=False)
    assert failed.returncode != 0
    assert [one.name for one in made.iterdir() if not one.stat().st_size] == []
    (made / "secret_key").touch()
    (made / "admin_password").write_text("mine")
    subprocess.run(["sh", script], env={"PATH": path}, capture_output=True, check=True)
    assert all(one.stat().st_size > 20 for one in made.iterdir() if one.name not in ("admin_password", "email_url"))
    assert (made / "admin_password").read_text() == "mine"
    assert (made / "database_password").read_text() in (made / "database_url").read_text()


def test_every_file_of_kubernetes_is_applied() -> None:
    listed = yaml.safe_load((DEPLOYMENT / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    there = {path.name for path in (DEPLOYMENT / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == there


def test_the_proxy_of_compose_is_the_one_that_is_tested() -> None:
    """`make foreign` runs the block of operations.md with nginx."""
    said = KNOWN.partition("### Several nodes behind nginx\n")[2].partition("```\n")[2].partition("```")[0]
    used = (DEPLOYMENT / "nginx.conf").read_text()
    location = [line.strip() for line in said.partition("location / {")[2].splitlines() if line.strip()]
    assert len(location) > 5
    assert [line for line in location if line not in used] == []
    assert "max_fails=0" in used
    assert "keepalive" in used
