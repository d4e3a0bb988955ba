"""Which release is the one before this commit (.ci/previous.py)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import previous
import pytest

Git = Callable[..., None]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    def run(*arguments: str) -> None:
        said = ["-c", "user.name=Somebody", "-c", "user.email=somebody@people.example", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *said, *arguments], cwd=tmp_path, check=True, capture_output=True)

    run("init")
    run("commit", "--allow-empty", "-m", "Begin")
    return run


def test_none_is_before_the_first(git: Git, tmp_path: Path) -> None:
    assert previous.previous_tag(tmp_path) is None
    git("tag", "v1.0.0")
    assert previous.previous_tag(tmp_path) is None
    git("tag", "working-copy")
    git("commit", "--allow-empty", "-m", "Go on")
    assert previous.previous_tag(tmp_path) == "v1.0.0"


def test_it_is_the_highest_that_this_commit_comes_after(git: Git, tmp_path: Path) -> None:
    for tag in ("v1.9.0", "v1.10.0"):
        git("tag", tag)
        git("commit", "--allow-empty", "-m", "Go on")
    git("checkout", "-b", "elsewhere")
    git("commit", "--allow-empty", "-m", "Not here")
    git("tag", "v2.0.0")
    git("checkout", "-")
    assert previous.previous_tag(tmp_path) == "v1.10.0"


def test_without_one_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(previous, "previous_tag", lambda _repository: None)
    assert previous.main() == 0
    assert capsys.readouterr().out == "There is no release before this commit: nothing to run.\n"
