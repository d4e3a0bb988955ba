"""Answers that are forms: they arrive by themselves, and without scripts by a button."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from playwright.sync_api import Page, expect

from clients.models import Client
from tests.browser.test_main_job import sign_in
from tests.world import CHALLENGE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class _App(BaseHTTPRequestHandler):
    """It takes the form and goes on to another site, as apps do; that one shows what was posted."""

    elsewhere = ""

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.send_response(303)
        self.send_header("Location", f"{self.elsewhere}/there?{urlencode({'got': json.dumps(form)})}")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        got = dict(parse_qsl(self.path.partition("?")[2])).get("got", "")
        self.wfile.write(b"<title>the app</title><pre>" + escape(got).encode() + b"</pre>")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def callback() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _App)
    _App.elsewhere = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/cb"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def provider(live_server: Any, world: None, settings: Any, callback: str) -> str:
    settings.IDP_ISSUER = live_server.url
    Client.objects.filter(client_id="web").update(redirect_uris=callback)
    return str(live_server.url)


@pytest.fixture
def page(uncomplaining: Page) -> Page:
    return uncomplaining


def address(provider: str, callback: str, **more: str) -> str:
    query = {"response_type": "code", "client_id": "web", "redirect_uri": callback, "scope": "openid"}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": 'a"b<c>&d', **more}
    return f"{provider}/oauth2/authorize?{urlencode({'response_mode': 'form_post', **query})}"


def arrived(page: Page, scripted: bool) -> dict[str, str]:
    if not scripted:
        page.get_by_role("button", name="Go on").click()
    expect(page).to_have_title("the app")
    form: dict[str, str] = json.loads(page.locator("pre").inner_text())
    return form


@pytest.mark.parametrize(("button", "parameter"), [("Allow", "code"), ("Deny", "error")])
def test_the_answer_arrives_as_a_form(
    request: pytest.FixtureRequest, page: Page, provider: str, callback: str, button: str, parameter: str
) -> None:
    scripted = "with scripts" in request.node.callspec.id
    sign_in(page, address(provider, callback))
    page.get_by_role("button", name=button).click()
    form = arrived(page, scripted)
    assert (form["state"], form["iss"]) == ('a"b<c>&d', provider)
    assert form[parameter]
    page.goto(address(provider, callback, prompt="none", response_mode="form_post.jwt"))
    assert arrived(page, scripted).keys() == {"response"}, "signed, and nobody is asked anything"
