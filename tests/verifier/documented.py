"""The examples of docs/integrate.md: found by their markers, and run as a reader would run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idp.configuration import apply

DEMO = {"username": "demo", "email": "demo@acme.example", "email_verified": True}
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrate.md").read_text()
_FENCED = r"```(\w+)\n(.*?)^```\n"
_MARKED = re.compile(rf"^<!-- run: (\S+) -->\n{_FENCED}(?:```json\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
# What a marked example is, and the answer the page shows right below it.
EXAMPLES: dict[str, str] = {found[1]: found[3] for found in _MARKED.finditer(PAGE)}
SHOWN: dict[str, Any] = {found[1]: json.loads(found[4]) for found in _MARKED.finditer(PAGE) if found[4]}


def same(shown: Any, real: Any) -> bool:
    """Equal but for what differs each time: what is cut with an ellipsis, and moments."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(same(shown[name], real[name]) for name in shown)
    if isinstance(shown, str) and shown.endswith("…"):
        return isinstance(real, str) and len(real) >= len(shown)
    if isinstance(shown, int) and shown > 1_000_000_000:
        return isinstance(real, int) and real > 1_000_000_000
    return bool(shown == real)


@dataclass
class Reader:
    """Somebody at a terminal, in a folder of their own, who has the verifier installed and nothing else of us."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir()
        stand_in = programs / "curl"
        stand_in.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("curl.py")}" "$@"\n')
        stand_in.chmod(0o755)
        (programs / "python3").symlink_to(sys.executable)
        self.environ.update(PATH=f"{programs}:{os.environ['PATH']}", PYTHONPATH=str(ROOT / "verifier"))

    def shell(self, name: str, **changed: str) -> str:
        """Paste a block into the terminal; what it exports stays. `changed`: texts to put in place of the page's."""
        text = EXAMPLES[name]
        for was, becomes in changed.items():
            assert SUBSTITUTES[was] in text, f"{name} does not say {SUBSTITUTES[was]}"
            text = text.replace(SUBSTITUTES[was], becomes)
        done = self._run(["sh", "-euc", f"{text}\necho; echo ---; env -0"])
        output, _line, environ = done.stdout.partition("\n---\n")
        pairs = (one.partition("=") for one in environ.split("\0"))
        self.environ.update({name: value for name, _is, value in pairs if name})
        return output.strip()

    def curl(self, name: str, **changed: str) -> Any:
        """The answer to a marked line; it must be what the page shows."""
        answer = json.loads(self.shell(name, **changed))
        shown = {**SHOWN[name], **({"iss": self.environ["ISSUER"]} if "iss" in SHOWN[name] else {})}
        assert same(shown, answer), f"{name}: the page shows {shown}, the answer is {answer}"
        return answer

    def python(self, name: str, **environ: str) -> tuple[int, str]:
        """Run a program of the page: how it ended, and what it said last."""
        self.environ.update(environ)
        done = self._run([sys.executable, self._saved(name)], check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    @contextmanager
    def started(self, name: str) -> Iterator[subprocess.Popen[str]]:
        """A program of the page that goes on until it is left."""
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        with subprocess.Popen(
            [sys.executable, self._saved(name)], env=self.environ, cwd=self.folder, text=True, **pipes
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _saved(self, name: str) -> str:
        (self.folder / name).write_text(EXAMPLES[name])
        return name

    def _run(self, command: list[str], check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environ, cwd=self.folder, capture_output=True, text=True, check=check, timeout=60
        )


def registered(folder: Path, issuer: str) -> Reader:
    """A reader who has registered everything the page registers, at a provider that runs."""
    reader = Reader(folder)
    reader.shell("secrets", issuer=issuer)
    apply({"version": 1, "users": [DEMO]})
    apply(EXAMPLES["library.yaml"], environ=reader.environ)
    return reader


SUBSTITUTES = {"issuer": "http://localhost:8000", "api": "http://127.0.0.1:8770"}
