"""Agents that were made with SDKs of others: they hear what to do, and somebody answers where they send people."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from idp.configuration import apply
from tests.foreign.person import Person
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import talking

MCP, BACK = "/mcp", "http://127.0.0.1:51763/callback"


class Agent:
    """A program that calls an MCP server. `asked`: the addresses to which it sent the person, who says `answer`."""

    answer = "allow"

    def __init__(self, process: subprocess.Popen[str], person: Person) -> None:
        self._process, self.person = process, person
        self.asked: list[str] = []

    def call(self, tool: str = "read_page", title: str = "Home") -> Any:
        """What the tool said, or `error`."""
        return self.told({"call": tool, "with": {"title": title}})

    def told(self, order: dict[str, Any]) -> Any:
        self._say(order)
        while "visit" in (answer := self._hear()):
            self.asked.append(answer["visit"])
            self._say({"ended": decides(self.person, answer["visit"], self.answer)})
        return answer

    @property
    def tokens(self) -> Any:
        return self.told({"show": True})["tokens"]

    @property
    def client(self) -> Any:
        return self.told({"show": True})["client"]

    def _say(self, line: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def _hear(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "it ended"
        return json.loads(line)


def decides(person: Person, address: str, answer: str = "allow") -> str:
    """Sign in unless they are, and answer."""
    ended = person.visit(address)
    if ended == address or "/accounts/login" in ended:
        person.send(login="owner", password="owner-pw")
    return ended if "code=" in ended else person.send(decision=answer)


def opened(said: Path, place: Place) -> str:
    """The address of a sign-in that a program told somebody to open."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if said.exists() and (found := re.search(rf"{place.issuer}/oauth2/authorize\?\S+", said.read_text())):
            return found[0]
        time.sleep(0.1)
    raise AssertionError(said.read_text() if said.exists() else "It opened nothing.")


class Remote:
    """mcp-remote: a server of another machine for a program that knows only pipes."""

    def __init__(self, process: subprocess.Popen[str], said: Path) -> None:
        self._process, self.said = process, said

    def tell(self, method: str, **more: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", "method": method, **more}) + "\n")
        self._process.stdin.flush()

    def answer(self, number: int) -> Any:
        assert self._process.stdout
        for line in self._process.stdout:
            if (said := json.loads(line)).get("id") == number:
                return said["result"]
        raise AssertionError(self.said.read_text())

    def begin(self) -> None:
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
        self.tell("initialize", id=1, params=about)

    def call(self, tool: str, **arguments: str) -> list[str]:
        self.answer(1)
        self.tell("notifications/initialized")
        self.tell("tools/call", id=2, params={"name": tool, "arguments": arguments})
        return [part["text"] for part in self.answer(2)["content"]]


@contextmanager
def remote(command: list[str | Path], place: Place) -> Iterator[Remote]:
    with talking(command, place.folder) as process:
        found = Remote(process, place.folder / "said.log")
        found.begin()
        yield found


@contextmanager
def agent(command: list[str | Path], place: Place, person: Person, **asked: Any) -> Iterator[Agent]:
    folder = place.folder / "agent"
    folder.mkdir()
    asked = {"server": f"{place.app}{MCP}", "redirect_uri": BACK, **asked}
    try:
        with talking(command, folder, ASKED=json.dumps(asked)) as process:
            yield Agent(process, person)
    except AssertionError as error:
        error.add_note((folder / "said.log").read_text())
        raise


def register(place: Place, path: str = MCP) -> None:
    """The server of the page, its tools, and the client that was made beforehand."""
    told = yaml.safe_load(place.recipe("mcp.yaml").replace(f"{place.app}{MCP}", f"{place.app}{path}"))
    apply(told, path="mcp.yaml", environ=place.environ)
