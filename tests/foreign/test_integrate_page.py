"""What docs/integrate.md shows for programs of others works as it stands: the web app for Node, the site for Apache."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from accounts.models import SignIn, User
from clients.models import Client
from tests.foreign import apache
from tests.plugins.places import NODE_PACKAGES
from tests.verifier.documented import EXAMPLES, Reader, registered

pytestmark = [pytest.mark.foreign, pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "demo-pw"
SHIM = Path(__file__).with_name("node") / "webcrypto.cjs"


@pytest.fixture
def reader(live_server: Any, keys: None, settings: Any, tmp_path: Path) -> Reader:
    settings.IDP_ISSUER = live_server.url
    return registered(tmp_path, live_server.url)


@pytest.fixture
def person(reader: Reader) -> User:
    person = User.objects.get(username="demo")
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in_and_allow(page: Page, address: str, issuer: str) -> None:
    page.goto(address)
    assert page.url.startswith(issuer)
    page.get_by_label("User name or e-mail").fill("demo")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Allow").click()


def shown(page: Page) -> Any:
    """What the application shows, which is JSON."""
    return json.loads(page.locator("body").inner_text())


@pytest.fixture
def app(reader: Reader) -> Iterator[str]:
    """The address of the page's web app for Node."""
    (reader.folder / "app.mjs").write_text(EXAMPLES["app.mjs"])
    (reader.folder / "node_modules").symlink_to(NODE_PACKAGES)
    node = shutil.which("node")
    assert node
    with subprocess.Popen(
        [node, "--require", str(SHIM), "app.mjs"],
        env={**reader.environ, "PORT": "0"},
        cwd=reader.folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()


@pytest.mark.node
def test_the_web_app_with_openid_client(page: Page, reader: Reader, person: User, app: str) -> None:
    sign_in_and_allow(page, app, reader.environ["ISSUER"])
    expect(page).to_have_url(f"{app}/")
    assert shown(page) == {"sub": str(person.sub), "email": "demo@acme.example", "email_verified": True}


@pytest.mark.node
def test_the_web_app_does_not_take_an_answer_it_did_not_ask_for(reader: Reader, app: str) -> None:
    visitor = requests.Session()
    asked = visitor.get(app, allow_redirects=False, timeout=30).headers["Location"]
    state = parse_qs(urlsplit(asked).query)["state"][0]
    good = {"error": "access_denied", "state": state, "iss": reader.environ["ISSUER"]}

    def said(**changed: str) -> str:
        answer = visitor.get(f"{app}/callback", params={**good, **changed}, timeout=30)
        assert answer.status_code == 400
        return answer.text

    assert "authorization response from the server is an error" in said(), "what it asked for is read"
    assert "invalid response encountered" in said(state="another")
    assert "invalid response encountered" in said(iss="https://other.example")


def userinfo_status(metadata: dict[str, Any], token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(metadata["userinfo_endpoint"], headers=headers, timeout=30).status_code


@pytest.fixture
def site(reader: Reader, tmp_path: Path) -> Iterator[str]:
    """The address of the page's site, served by Apache, with an application behind it."""
    reader.shell("apache-secret")
    port = apache.free_port()
    with apache.application() as behind:
        text = EXAMPLES["library.conf"].replace("8765", str(port)).replace("8766", str(behind))
        with apache.serving(tmp_path, text, port, reader.environ):
            yield f"http://127.0.0.1:{port}"


@pytest.mark.apache
def test_the_site_with_mod_auth_openidc(page: Page, reader: Reader, person: User, site: str) -> None:
    issuer = reader.environ["ISSUER"]
    metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
    Client.objects.filter(client_id="library-web").update(post_logout_redirect_uris=f"{site}/goodbye")
    page.set_extra_http_headers({"X-Person": "somebody", "OIDC_CLAIM_email": "somebody@acme.example"})
    sign_in_and_allow(page, f"{site}/loans?of=mine", issuer)
    expect(page).to_have_url(f"{site}/loans?of=mine")
    headers = shown(page)
    assert headers["x-person"] == headers["oidc_claim_sub"] == str(person.sub)
    assert headers["oidc_claim_email"] == "demo@acme.example"
    assert (headers["oidc_claim_iss"], headers["oidc_claim_aud"]) == (issuer, "library-web")
    access_token = headers["oidc_access_token"]
    assert userinfo_status(metadata, access_token) == 200

    page.goto(f"{site}/callback?logout={quote(f'{site}/goodbye', safe='')}")
    assert page.url.startswith(issuer), "back at a protected page, and signed out of Apache"
    expect(page.get_by_label("Password")).to_be_visible()
    assert userinfo_status(metadata, access_token) == 401, "Apache revoked its token"
    assert SignIn.objects.get().ended_at is not None, "and ended the sign-in at the provider"
