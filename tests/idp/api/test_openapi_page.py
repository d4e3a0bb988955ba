"""docs/api.md: its lines do what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from clients.models import Client
from idp.api.problems import CODES, TYPE
from idp.configuration import apply
from tests.idp.api.terminal import Terminal
from tests.verifier.documented import same

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
DEMO = "version: 1\nusers: [{username: demo, password: demo-pw, email: demo@acme.example}]\n"


@pytest.mark.django_db
def test_a_newcomer_pastes_every_line(keys: None, settings: Any) -> None:
    settings.IDP_DYNAMIC_REGISTRATION = "tokens"
    apply(DEMO)
    [file] = [text for language, text in BLOCKS if language == "yaml"]
    apply(file)
    terminal = Terminal()
    answers = [answer for language, text in BLOCKS if language == "sh" for answer in terminal.paste(text)]
    assert [answer.status_code for answer in answers] == [
        *(200, 200, 201, 201, 201, 201),  # a token, what the API says of itself, a project, an API, a role, a client
        *(201, 201, 204),  # two secrets, and one less
        *(200, 200),  # an ETag, and a change
        *(200, 200),  # two pages
        *(200, 200),  # gone
        *(200, 200, 200, 204),  # a person, and their sign-ins
        *(201, 201, 201, 200),  # two accounts, and an invitation
        *(200, 201),  # a rotation, a token for apps that register themselves
        *(201, 200, 201, 201),  # an attribute, a person who has it, a group, and who belongs to it
        *(200, 422),  # what happened, and what is wrong
    ]
    [shown] = [json.loads(text) for language, text in BLOCKS if language == "json"]
    told = answers[-1].json()
    assert same(shown["errors"][0], told["errors"][0])
    assert {**shown, "errors": []} == {**told, "errors": []}
    assert not Client.objects.filter(project__key="shop").exists()


def test_every_code_stands_on_the_page() -> None:
    named = re.findall(r"`([a-z_]+)`", PAGE.partition(f"| `{TYPE}` |")[2])
    assert set(CODES) - {"server_error"} <= set(named)
