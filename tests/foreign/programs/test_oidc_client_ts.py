"""oidc-client-ts in Chromium: a page without a server signs somebody in, renews, revokes and signs out."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import SignIn, User
from tests.foreign.programs import environments
from tests.foreign.programs.chromium import prove_and_allow, shown
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import lacks

LACKING = lacks("npm")
pytestmark = [
    pytest.mark.foreign,
    pytest.mark.browser,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]
NOBODY = "Nobody is signed in."


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def app(place: Place) -> Iterator[str]:
    """The page and the library, served as files."""
    library = environments.node("oidc_client_ts") / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
    shutil.copy(library, place.folder)
    place.save("index.html", place.recipe("page.html"))
    after = f"{place.app}/"
    public = {"client_secret_from": None, "token_endpoint_auth_method": "none"}
    place.register("/", post_logout_redirect_uris=[after], **public)
    handler = partial(_Quiet, directory=str(place.folder))
    with ThreadingHTTPServer((place.host, place.port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield after
        finally:
            server.shutdown()
            thread.join()


def sign_in(page: Page, app: str, then: str) -> Any:
    """By way of the page; `then` is what the page does before it begins."""
    page.goto(app)
    expect(page.locator("body")).to_have_text(NOBODY)
    page.evaluate(f"() => {{ {then} }}")
    prove_and_allow(page)
    expect(page.locator("body")).to_contain_text("sub")
    assert page.url == app
    return shown(page)


def test_a_page_signs_somebody_in_renews_and_signs_them_out(page: Page, app: str) -> None:
    person = sign_in(page, app, "manager.signinRedirect()")
    sub = str(User.objects.get(username="owner").sub)
    assert (person["sub"], person["email"], person["given_name"]) == (sub, "owner@people.example", "Olive")

    renewed = page.evaluate("""async () => {
        const before = await manager.getUser()
        const after = await manager.signinSilent()
        return [before.profile.sub === after.profile.sub, before.access_token === after.access_token]
    }""")
    assert renewed == [True, False]
    revoked = page.evaluate("""async () => {
        const { access_token } = await manager.getUser()
        const address = await manager.metadataService.getUserInfoEndpoint()
        const asked = () => fetch(address, { headers: { authorization: `Bearer ${access_token}` } })
        const before = (await asked()).status
        await manager.revokeTokens(['access_token', 'refresh_token'])
        return [before, (await asked()).status]
    }""")
    assert revoked == [200, 401]

    page.evaluate("() => { manager.signoutRedirect() }")
    expect(page.locator("body")).to_have_text(NOBODY)
    assert page.url == app, "nobody was asked, and they came back"
    assert SignIn.objects.get().ended_at is not None


def test_a_hidden_frame_on_another_site_learns_that_nobody_is_signed_in(page: Page, app: str) -> None:
    sign_in(page, app, "manager.signinRedirect({ scope: 'openid email' })")
    refusal = page.evaluate("""async () => {
        try { return (await manager.signinSilent()).scope } catch (error) { return error.error }
    }""")
    assert refusal == "login_required"
