"""Somebody with an account, and an app elsewhere to come back to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from accounts.models import User
from tests.browser.scene import Scene
from tests.browser.sights import Sight, visit
from tests.chromium import base_url, browser_type_launch_args, playwright

__all__ = ["base_url", "browser_type_launch_args", "playwright"]
Look = Callable[[list[Sight], Page], Iterator[Sight]]
PASSWORD = "correct horse battery staple"


@pytest.fixture
def person(transactional_db: None) -> User:
    return User.objects.create_user("person", "person@example.com", PASSWORD, first_name="Pat", last_name="Doe")


class _Callback(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>the app</title>")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def app() -> Iterator[str]:
    """The redirect URI of an app at another origin."""
    server = HTTPServer(("127.0.0.1", 0), _Callback)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/cb"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def uncomplaining(request: Any, browser: Browser) -> Iterator[Page]:
    """A page with scripts and one without, and nothing on them that the Content Security Policy forbids."""
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    context.close()
    assert [text for text in complaints if "Content Security Policy" in text] == []


@pytest.fixture
def scene(live_server: Any, world: None, settings: Any) -> Scene:
    settings.IDP_ISSUER = live_server.url
    return Scene()


@pytest.fixture
def look(live_server: Any, scene: Scene, settings: Any) -> Look:
    """Go from page to page."""

    def through(seen: list[Sight], page: Page) -> Iterator[Sight]:
        for sight in seen:
            visit(page, sight, scene, live_server.url, settings)
            yield sight

    return through
