"""docs/examples/code_flow.py, as a newcomer runs it, against a live server with the demo."""

from __future__ import annotations

import html
import importlib.util
import io
import json
import re
import socket
import threading
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from django.core.management import call_command

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "code_flow.py"


@pytest.fixture
def demo(settings: Any, tmp_path: Path, live_server: Any, keys: None) -> Any:
    settings.STATE_DIR, settings.IDP_ISSUER = tmp_path, live_server.url
    output = io.StringIO()
    call_command("quickstart", "--format", "json", stdout=output, stderr=io.StringIO())
    return json.loads(output.getvalue())["demo"]


@pytest.fixture
def example() -> ModuleType:
    """The program, with its callback at a port that is free."""
    spec = importlib.util.spec_from_file_location("code_flow", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        module.CALLBACK = f"http://127.0.0.1:{free.getsockname()[1]}/callback"  # type: ignore[attr-defined]
    return module


class Person:
    """Signs in as the demo user and presses one button on the consent page."""

    def __init__(self, callback: str, password: str, decision: str) -> None:
        self.callback = callback
        self.password = password
        self.decision = decision
        self.thread: threading.Thread | None = None

    def open(self, url: str) -> None:
        self.thread = threading.Thread(target=self.visit, args=[url])
        self.thread.start()

    def visit(self, url: str) -> None:
        with requests.Session() as browser:
            try:
                page = browser.get(url)
                page = self.send(browser, page, login="demo", password=self.password)
                self.send(browser, page, decision=self.decision)
            except BaseException:
                browser.get(f"{self.callback}?error=lost")  # nobody waits for a person who lost the way
                raise

    def send(self, browser: requests.Session, page: requests.Response, **filled: str) -> requests.Response:
        forms = re.findall(r"<form\b.*?</form>", page.text, re.DOTALL)
        form = next(one for one in forms if all(f'name="{name}"' in one for name in filled))
        inputs = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", form)]
        names = [(one["name"], one["value"]) for one in inputs if one["type"] in ("hidden", "checkbox")]
        action = re.search(r'action="([^"]+)"', form)
        target = urljoin(page.url, html.unescape(action[1])) if action else page.url
        values = [*((name, html.unescape(value)) for name, value in names), *filled.items()]
        answer = browser.post(target, values, headers={"Referer": page.url})
        ahead = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', answer.text)
        return browser.get(html.unescape(ahead[1])) if ahead else answer


@pytest.mark.foreign
@pytest.mark.django_db(transaction=True)
def test_a_newcomer_signs_in(
    demo: Any, example: ModuleType, live_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    person = Person(example.CALLBACK, demo["user"]["password"], "allow")
    monkeypatch.setattr(example.webbrowser, "open", person.open)
    example.main("acme-web", demo["clients"][0]["client_secret"], live_server.url)
    assert person.thread
    person.thread.join()
    _opening, id_token, userinfo = re.split(r"\n\n(?:ID token|userinfo)\n", capsys.readouterr().out)
    claims = json.loads(id_token)
    assert (claims["iss"], claims["aud"], claims["email"]) == (live_server.url, "acme-web", "demo@acme.example")
    assert json.loads(userinfo)["sub"] == claims["sub"]


@pytest.mark.foreign
@pytest.mark.django_db(transaction=True)
def test_a_newcomer_who_denies_is_told(
    demo: Any, example: ModuleType, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(example.CALLBACK, demo["user"]["password"], "deny")
    monkeypatch.setattr(example.webbrowser, "open", person.open)
    with pytest.raises(SystemExit, match="access_denied"):
        example.main("acme-web", demo["clients"][0]["client_secret"], live_server.url)
    assert person.thread
    person.thread.join()


@pytest.mark.foreign
@pytest.mark.django_db(transaction=True)
def test_a_newcomer_with_a_wrong_secret_is_told(
    demo: Any, example: ModuleType, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(example.CALLBACK, demo["user"]["password"], "allow")
    monkeypatch.setattr(example.webbrowser, "open", person.open)
    with pytest.raises(SystemExit, match=r"/oauth2/token answered 401: .*invalid_client"):
        example.main("acme-web", "not the secret", live_server.url)
    assert person.thread
    person.thread.join()


def test_without_a_provider_it_says_how_to_start_one(example: ModuleType) -> None:
    nobody = example.CALLBACK.removesuffix("/callback")
    with pytest.raises(SystemExit, match="Start it with 'make run'"):
        example.main("acme-web", "a secret", nobody)
