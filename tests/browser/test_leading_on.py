"""An app whose callback redirects to another site is reached, whatever form of ours was sent before."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from accounts.models import SignIn
from clients.models import Client
from tests.browser.test_main_job import sign_in
from tests.world import CHALLENGE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@contextmanager
def serving(name: str, location: str) -> Iterator[str]:
    """A site of its own that redirects there, or shows its title."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if location else 200)
            if location:
                self.send_header("Location", location + self.path.partition("?")[2])
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"" if location else b"<title>the app behind the broker</title>")

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://{name}:{server.server_port}/cb"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def broker() -> Iterator[str]:
    """The redirect URI of a broker: it answers 302 to the second broker, and that one to the app."""
    with (
        serving("localhost", "") as behind,
        serving("127.0.0.1", f"{behind}?") as second,
        serving("127.0.0.1", f"{second}?") as first,
    ):
        yield first


@pytest.fixture
def provider(live_server: Any, world: None, settings: Any, broker: str) -> str:
    settings.IDP_ISSUER = live_server.url
    Client.objects.filter(client_id="web").update(redirect_uris=broker, post_logout_redirect_uris=broker)
    return str(live_server.url)


@pytest.fixture
def page(uncomplaining: Page) -> Page:
    return uncomplaining


def address(provider: str, broker: str) -> str:
    query = {"response_type": "code", "client_id": "web", "redirect_uri": broker, "scope": "openid"}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    return f"{provider}/oauth2/authorize?{urlencode(query)}"


@pytest.mark.parametrize(("button", "answer"), [("Allow", "code="), ("Deny", "error=access_denied")])
def test_who_answers_the_consent_page_gets_through(
    page: Page, provider: str, broker: str, button: str, answer: str
) -> None:
    sign_in(page, address(provider, broker))
    page.get_by_role("button", name=button).click()
    expect(page).to_have_title("the app behind the broker")
    assert answer in page.url


def test_who_signs_in_with_a_remembered_consent_gets_through(page: Page, provider: str, broker: str) -> None:
    sign_in(page, address(provider, broker))
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url("**code=**")
    page.context.clear_cookies()
    sign_in(page, address(provider, broker))
    expect(page).to_have_title("the app behind the broker")
    assert "code=" in page.url


def test_who_signs_out_gets_through(page: Page, provider: str, broker: str) -> None:
    page.goto(f"{provider}/accounts/login/")
    page.get_by_label("User name or e-mail").fill("owner")
    page.get_by_label("Password").fill("owner-pw")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{provider}/")
    page.goto(f"{provider}/oauth2/logout?{urlencode({'client_id': 'web', 'post_logout_redirect_uri': broker})}")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("the app behind the broker")
    assert SignIn.objects.get().ended_at is not None


def test_a_long_request_gets_through_with_its_state(page: Page, provider: str, broker: str) -> None:
    long = f"{address(provider, broker)}&state={'s' * 3_000}"
    sign_in(page, long)
    expect(page).to_have_url(re.compile(r"/oauth2/authorize\?kept="))
    page.get_by_role("button", name="Allow").click()
    expect(page).to_have_title("the app behind the broker")
    assert f"state={'s' * 3_000}" in page.url
    page.goto(f"{provider}/accounts/apps/")
    page.goto(long)  # signed in, and allowed before: no form comes first
    expect(page).to_have_title("the app behind the broker")
