"""Second steps in a real browser, on the way to an app: codes with and without scripts, and passkeys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import SignIn, User
from clients.models import Authorization, Client
from tests.accounts.second_steps import code, enrol
from tests.browser.conftest import PASSWORD
from tests.world import CHALLENGE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def request_address(live_server: Any, world: None, settings: Any, app: str) -> str:
    settings.IDP_ISSUER = live_server.url
    Client.objects.filter(client_id="web").update(redirect_uris=app)
    query = {
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": app,
        "scope": "openid",
        "state": "the-state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{live_server.url}/oauth2/authorize?{urlencode(query)}"


@pytest.fixture
def complaints() -> list[str]:
    """What the browser says against a page."""
    return []


def listen(page: Page, complaints: list[str]) -> Page:
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    return page


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def either_page(request: Any, browser: Browser, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    yield listen(context.new_page(), complaints)
    context.close()


@pytest.fixture
def passkey_page(page: Page, complaints: list[str]) -> Page:
    """A browser on a device that keeps passkeys and knows its owner's finger. It does not list them beside names."""
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    return filling_in(page, complaints)


def filling_in(page: Page, complaints: list[str]) -> Page:
    """The same, and it lists them: the finger is there, so the first is chosen as soon as it may be."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    abilities = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True, **abilities}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return listen(page, complaints)


def give_password(page: Page, login: str = "owner", password: str = "owner-pw") -> None:
    page.get_by_label("User name or e-mail").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def allow(page: Page, complaints: list[str]) -> None:
    page.get_by_role("button", name="Allow").click()
    expect(page).to_have_title("the app")
    expect(page).to_have_url(re.compile("code="))
    assert complaints == []


def test_the_code_of_an_authenticator_app_leads_to_the_app(
    either_page: Page, request_address: str, complaints: list[str]
) -> None:
    enrol(User.objects.get(username="owner"))
    either_page.goto(request_address)
    give_password(either_page)
    expect(either_page.get_by_role("heading", level=1)).to_have_text("One more step")
    either_page.get_by_label("Code").fill(code())
    either_page.get_by_role("button", name="Go on").click()
    allow(either_page, complaints)
    assert (Authorization.objects.get().acr, Authorization.objects.get().amr) == ("aal2", ["pwd", "otp", "mfa"])


@pytest.mark.urls("tests.idp.page_urls")
def test_the_form_of_a_second_step_may_end_at_the_app(
    either_page: Page, live_server: Any, person: User, app: str, complaints: list[str]
) -> None:
    """An app that asks nothing more: the browser goes there from the form itself, first here, then when asked again."""
    enrol(person)
    address = f"/test/authorize/?app={quote(app)}"
    either_page.goto(f"{live_server.url}{address}")
    give_password(either_page, "person", PASSWORD)
    either_page.get_by_label("Code").fill(code())
    either_page.get_by_role("button", name="Go on").click()
    expect(either_page).to_have_title("the app")
    either_page.goto(f"{live_server.url}/accounts/two-step/confirm/?next={quote(address)}")
    either_page.get_by_label("Code").fill(code(ahead=1))
    either_page.get_by_role("button", name="Go on").click()
    expect(either_page).to_have_title("the app")
    assert complaints == []


def add_passkey(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/accounts/two-step/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("My phone")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")


def sign_out(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()


def test_a_passkey_signs_in_alone_and_after_a_password(
    passkey_page: Page, live_server: Any, request_address: str, complaints: list[str]
) -> None:
    page = passkey_page
    page.goto(f"{live_server.url}/accounts/login/")
    give_password(page)
    add_passkey(page, live_server)
    page.goto(f"{live_server.url}/accounts/two-step/")
    expect(page.get_by_role("heading", name="My phone")).to_be_visible()
    sign_out(page, live_server)

    page.goto(f"{live_server.url}/accounts/login/")
    give_password(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("link", name="Security", exact=True).first).to_be_visible()
    row = SignIn.objects.get(ended_at=None)
    assert (row.amr, row.acr) == (["pwd", "swk", "mfa"], "aal2")
    sign_out(page, live_server)

    page.goto(request_address)
    page.get_by_role("button", name="Use a passkey").click()
    allow(page, complaints)
    assert (Authorization.objects.get().acr, Authorization.objects.get().amr) == ("aal2", ["swk", "mfa"])


def test_a_passkey_is_offered_where_the_name_is_typed(
    page: Page, live_server: Any, request_address: str, complaints: list[str]
) -> None:
    filling_in(page, complaints)
    page.goto(f"{live_server.url}/accounts/login/")
    give_password(page)
    add_passkey(page, live_server)
    page.goto(f"{live_server.url}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto(request_address)
    allow(page, complaints)
    assert Authorization.objects.get().amr == ["swk", "mfa"]


def test_a_passkey_proves_again_who_somebody_is(
    passkey_page: Page, live_server: Any, request_address: str, complaints: list[str]
) -> None:
    page = passkey_page
    page.goto(f"{live_server.url}/accounts/login/")
    give_password(page)
    add_passkey(page, live_server)
    SignIn.objects.update(auth_time="2020-01-01T00:00:00Z")
    page.goto(f"{live_server.url}/accounts/reauthenticate/?next=/accounts/security/")
    page.get_by_role("link", name="Use a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Security")
    assert complaints == []


def test_without_scripts_the_pages_say_what_passkeys_need(browser: Browser, live_server: Any, world: None) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/")
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    give_password(page)
    page.goto(f"{live_server.url}/accounts/passkeys/add/")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Add it")).to_be_hidden()
    context.close()
