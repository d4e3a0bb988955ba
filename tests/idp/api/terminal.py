"""A terminal that knows of curl and jq what docs/api.md uses; the test client plays the network's part."""

from __future__ import annotations

import base64
import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from django.test import Client as Http

from tests.world import ISSUER, Response

_ASSIGNED = re.compile(
    r"(?P<name>[A-Z]+)=(?:\$\((?P<command>curl .*?)(?: \| jq -r '?\.(?P<first>items\[0\]\.)?(?P<member>\w+)'?)?\)"
    r"|(?P<value>.*))"
)
FLAGS = {"-sS": 0, "-X": 1, "-H": 1, "-d": 1, "-u": 1, "-o": 1, "-w": 1, "--json": 1}


@dataclass
class Terminal:
    variables: dict[str, str] = field(default_factory=dict)

    def paste(self, block: str) -> list[Response]:
        """What each curl of the block was answered."""
        lines = re.sub(r" *\\\n *", " ", block).splitlines()
        return [answer for line in lines if (answer := self._line(line)) is not None]

    def _line(self, line: str) -> Response | None:
        assigned = _ASSIGNED.fullmatch(line)
        if assigned is None:
            return self._curl(line)
        if assigned["command"] is None:
            self.variables[assigned["name"]] = self._filled(assigned["value"]).strip('"')
            return None
        answer = self._curl(assigned["command"])
        assert answer.status_code < 400, (line, answer.content)
        member = assigned["member"]
        said = answer.json()["items"][0] if assigned["first"] else answer.json()
        self.variables[assigned["name"]] = str(said[member]) if member else answer["ETag"]
        return answer

    def _filled(self, text: str) -> str:
        for name in sorted(self.variables, key=len, reverse=True):
            text = text.replace(f"${name}", self.variables[name])
        assert "$" not in text, text
        return text

    def _curl(self, line: str) -> Response:
        words = [self._filled(word) if "'" not in word else word for word in shlex.split(line)]
        assert words.pop(0) == "curl"
        options: dict[str, list[str]] = {}
        addresses = []
        while words:
            word = words.pop(0)
            if word in FLAGS:
                options.setdefault(word, []).extend(words.pop(0) for _ in range(FLAGS[word]))
            else:
                addresses.append(word)
        [address] = addresses
        return _sent(address.removeprefix(ISSUER), options)


def _sent(path: str, options: dict[str, list[str]]) -> Response:
    headers = dict(header.split(": ", 1) for header in options.get("-H", ()))
    body, kind = "", "application/json"
    if "-u" in options:
        headers["Authorization"] = "Basic " + base64.b64encode(options["-u"][0].encode()).decode()
    if "-d" in options:
        body, kind = "&".join(options["-d"]), "application/x-www-form-urlencoded"
    if "--json" in options:
        body = json.dumps(json.loads(options["--json"][0]))
    method = options.get("-X", ["POST" if body else "GET"])[0]
    answer: Any = Http().generic(method, path, body, content_type=kind, headers=headers)
    return answer  # type: ignore[no-any-return]
