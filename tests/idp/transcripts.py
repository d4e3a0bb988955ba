"""What a page shows of a terminal: commands after `$`, and what they answer. Run here without a shell for each command.

A line that begins with `#` is what somebody does meanwhile: the test does it.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

Deed = Callable[[], None]


@dataclass
class Shown:
    command: str
    answer: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return self.command


def shown(page: str) -> Iterator[Shown]:
    """Each command of the page's transcripts, in order, with the lines below it."""
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        last: Shown | None = None
        for line in block.splitlines():
            if line.startswith(("$ ", "# ")):
                if last:
                    yield last
                last = Shown(line.removeprefix("$ "))
            elif last:
                last.answer.append(line)
        if last:
            yield last


class Terminal:
    """Standard output and error come in one stream, as they do on a screen."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, monkeypatch
        monkeypatch.chdir(folder)

    def answer(self, line: str) -> list[str]:
        """`first | second > file; echo $?`, of which this knows as much as the pages need."""
        line, _echo, tell = line.partition("; echo $?")
        command, _arrow, target = line.partition(" > ")
        screen, piped, status = io.StringIO(), "", 0
        for part in command.split(" | "):
            piped, status = self._run(part, piped, screen)
        if target:
            (self._folder / target).write_text(piped)
        else:
            screen.write(piped)
        return [*screen.getvalue().splitlines(), *([str(status)] if _echo or tell else [])]

    def _run(self, command: str, given: str, screen: io.StringIO) -> tuple[str, int]:
        words = shlex.split(command)
        if words[0] != "manage.py":
            ran = subprocess.run(["sh", "-c", command], input=given, text=True, capture_output=True, check=False)
            screen.write(ran.stderr)
            return ran.stdout, ran.returncode
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        output = io.StringIO()
        try:
            with redirect_stderr(screen):
                call_command(words[1], *words[2:], stdout=output, stderr=screen)
        except CommandError as error:
            return f"{output.getvalue()}CommandError: {error}\n", error.returncode
        return output.getvalue(), 0


def differences(page: str, terminal: Terminal, deeds: Mapping[str, Deed]) -> list[str]:
    """What the page shows and the commands do not answer."""
    found = []
    for one in shown(page):
        if one.command.startswith("# "):
            deeds[one.command.removeprefix("# ")]()
        elif _alike(answer := terminal.answer(one.command)) != _alike(one.answer):
            found.append(f"$ {one.command}\n" + "\n".join(answer))
    return found


def _alike(lines: list[str]) -> list[str]:
    """A key that the product learns moves the lines of a file: which number it is, is no matter."""
    return [re.sub(r"(?<=\.yaml:)\d+|^\d+c\d+$", "N", line) for line in lines]
