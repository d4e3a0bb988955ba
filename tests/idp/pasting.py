"""Lines as people paste them into a terminal; the test browser plays curl's part."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

WITH_VALUE = ("-u", "-d", "-w")


def pasted(command: str) -> tuple[int, Any]:
    """Status and JSON of what the line answers; a token from `$(curl … | sed …)` is fetched first."""
    if inner := re.search(r'"\$\((curl .*) \| (sed .*)\)"', command):
        answer = json.dumps(pasted(inner[1])[1])
        token = subprocess.run(["sh", "-c", inner[2]], input=answer, text=True, capture_output=True, check=True).stdout
        command = command.replace(inner[0], token.strip())
    url, options = _read(command)
    headers = {"authorization": f"Basic {base64.b64encode(options['-u'][0].encode()).decode()}"}
    response = Client().post(
        urlsplit(url).path, "&".join(options["-d"]), "application/x-www-form-urlencoded", headers=headers
    )
    return response.status_code, response.json()


def _read(command: str) -> tuple[str, dict[str, list[str]]]:
    words = iter(shlex.split(command))
    assert next(words) == "curl"
    options: dict[str, list[str]] = {}
    urls = []
    for word in words:
        if word in WITH_VALUE:
            options.setdefault(word, []).append(next(words))
        elif word != "-sS":
            urls.append(word)
    assert len(urls) == 1, f"one address, no other options: {command}"
    return urls[0], options
