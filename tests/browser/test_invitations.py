"""The whole way of an invitation in a real browser: from the mail to where it leads, with a password and a passkey."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import Browser, Page, expect

from accounts.models import SignIn, User
from projects.actors import Actor
from projects.inviting import Wanted, invite
from projects.models import ConsentScreen, Member, Project

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("world")]
GUEST = "guest@new.example"


@pytest.fixture
def link(live_server: Any, settings: Any, app: str) -> str:
    """What the mail says; the project's home page is a page of this machine."""
    settings.IDP_ISSUER = live_server.url
    acme = Project.objects.get(key="acme")
    ConsentScreen.objects.filter(project=acme).update(homepage_uri=app)
    invite(Wanted(email=GUEST, role="editor"), acme, Actor.person(User.objects.get(username="owner")))
    found = re.search(rf"{live_server.url}/accounts/invitation/\S+", str(mail.outbox[-1].body))
    assert found
    return found[0]


def arrived(page: Page, amr: list[str]) -> None:
    expect(page).to_have_title("the app")
    user = User.objects.get(email=GUEST)
    assert user.email_verified
    assert Member.objects.get(user=user).role == "editor"
    assert SignIn.objects.get(user=user).amr == amr


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_with_a_password(browser: Browser, link: str, scripts: bool) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Olive Owner invites you to Acme")
    assert page.url.endswith("/accounts/invitation/"), "the key is not in the address any more"
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Accept with a password").click()
    arrived(page, ["pwd"])
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("This invitation no longer works")
    context.close()


def test_with_a_passkey(page: Page, link: str) -> None:
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    abilities = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True, **abilities}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(link)
    page.get_by_role("button", name="Accept with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    page.get_by_role("link", name="Go on").click()
    arrived(page, ["swk", "mfa"])
    page.goto(link.partition("/accounts/")[0] + "/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")  # it would be used
    page.goto(link.partition("/accounts/")[0] + "/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("guest")
