"""The issuer has a path: somebody signs in by way of an app, looks around and signs out, in a real browser."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.installation import ADMIN_PASSWORD, installation
from tests.world import CHALLENGE

pytestmark = pytest.mark.browser
CLIENT = """
version: 1
projects:
  - id: acme
    clients: [{{client_id: web, redirect_uris: ["{app}"], post_logout_redirect_uris: ["{app}"]}}]
"""


def test_the_way_through_an_app_and_the_console(page: Page, app: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": app,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    with installation(tmp_path_factory.mktemp("provider"), "/auth", CLIENT.format(app=app)) as provider:
        page.goto(f"{provider.issuer}/oauth2/authorize?{urlencode(query)}")
        page.get_by_label("User name or e-mail").fill("admin")
        page.get_by_label("Password").fill(ADMIN_PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("button", name="Allow").click()
        expect(page).to_have_title("the app")
        assert dict(parse_qsl(urlsplit(page.url).query))["iss"] == provider.issuer

        page.goto(f"{provider.issuer}/")
        page.get_by_role("link", name="Console").first.click()
        expect(page).to_have_url(f"{provider.issuer}/admin/")
        page.get_by_role("link", name="Apps", exact=True).first.click()
        page.get_by_role("link", name="Acme web").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Acme web")
        page.get_by_role("link", name="Advanced", exact=True).click()
        expect(page.locator("#id_name")).to_have_value("Acme web")

        page.goto(f"{provider.issuer}/oauth2/logout?{urlencode({'client_id': 'web', 'post_logout_redirect_uri': app})}")
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_title("the app")
        page.goto(f"{provider.issuer}/accounts/security/")
        expect(page.get_by_label("Password")).to_be_visible()
    assert complaints == []
