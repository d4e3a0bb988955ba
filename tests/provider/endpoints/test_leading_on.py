"""A form never redirects to an app: what follows it is a page of ours that goes on by itself."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from clients.models import Client
from tests.world import WEB_CB, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
OUT = "https://web.acme.example/out"


def from_our_page(browser: Browser, **headers: str) -> Browser:
    browser.http.defaults.update({f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()})
    return browser


def leads_to(response: Any) -> str:
    """Where the page goes on to: by itself, and by the same link."""
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    text = response.content.decode()
    by_itself = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', text)
    assert by_itself
    assert f'href="{by_itself[1]}"' in text
    return unescape(by_itself[1])


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_the_consent_form_is_answered_by_a_page(decision: str) -> None:
    browser = from_our_page(Browser("owner"), **OURS)
    there = leads_to(browser.answer(browser.authorize("web"), decision))
    assert there.startswith(WEB_CB)
    assert ("code=" in there, "error=access_denied" in there) == (decision == "allow", decision == "deny")


def test_so_is_a_sign_in_after_a_remembered_consent() -> None:
    """The form sends people to the authorization endpoint, whose GET belongs to the same chain of redirects."""
    Browser("owner").code("web")
    assert "code=" in leads_to(from_our_page(Browser("owner"), **OURS).authorize("web"))


def test_so_is_the_form_that_signs_out() -> None:
    Client.objects.filter(client_id="web").update(post_logout_redirect_uris=OUT)
    browser = from_our_page(Browser("owner"), **OURS)
    query = f"client_id=web&post_logout_redirect_uri={OUT}&state=s"
    assert leads_to(browser.http.post(f"/oauth2/logout/confirm?{query}")) == f"{OUT}?state=s"


def test_a_browser_without_fetch_metadata_is_known_by_its_referer() -> None:
    Browser("owner").code("web")
    browser = from_our_page(Browser("owner"), Referer="http://localhost:8000/accounts/login/")
    assert "code=" in leads_to(browser.authorize("web"))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a program"),
        pytest.param({**OURS, "Sec-Fetch-Site": "cross-site"}, id="a link at the app"),
        pytest.param({**OURS, "Sec-Fetch-Site": "none"}, id="a typed address"),
        pytest.param({**OURS, "Sec-Fetch-Dest": "iframe"}, id="a frame, which our pages refuse"),
        pytest.param({"Referer": "http://localhost:8000.evil.example/"}, id="a look-alike"),
    ],
)
def test_everybody_else_is_redirected(headers: dict[str, str]) -> None:
    Browser("owner").code("web")
    response = from_our_page(Browser("owner"), **headers).authorize("web")
    assert (response.status_code, response["Location"].startswith(WEB_CB)) == (302, True)


def test_prompt_none_never_shows_a_page() -> None:
    Browser("owner").code("web")
    browser = from_our_page(Browser("owner"), **OURS)
    assert browser.authorize("web", prompt="none").status_code == 302
    assert browser.authorize("web", prompt="none", max_age="0").status_code == 302
