"""A provider elsewhere in a real browser: link it, sign in by it, and prove it there once more for an app."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.socialaccount.models import SocialAccount
from playwright.sync_api import Page, expect

from accounts.models import SignIn, User
from projects.upstream import fetched
from tests.browser.sights import authorize
from tests.projects.upstream.elsewhere import KEY, connector
from tests.projects.upstream.fake import SUB, Provider, serving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture
def elsewhere(world: None) -> Iterator[Provider]:
    fetched.forget()
    with serving() as provider:
        provider.reset()
        connector(provider.issuer)
        yield provider
    fetched.forget()


@pytest.mark.parametrize("uncomplaining", [False], indirect=True, ids=["without scripts"])
def test_somebody_links_signs_in_and_proves_it_again(
    uncomplaining: Page, elsewhere: Provider, live_server: Any, settings: Any
) -> None:
    page, settings.IDP_ISSUER = uncomplaining, live_server.url
    heading = page.get_by_role("heading", level=1)
    page.goto(f"{live_server.url}/accounts/login/?{urlencode({'next': '/accounts/security/'})}")
    page.get_by_label("User name or e-mail").fill("owner")
    page.get_by_label("Password").fill("owner-pw")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Sign-ins from elsewhere").click()
    page.get_by_role("button", name="Link Corp").click()
    expect(page.get_by_text("This sign-in is linked to your account.")).to_be_visible()
    expect(page.get_by_role("button", name="Unlink Corp")).to_be_visible()
    assert SocialAccount.objects.get().uid == SUB

    page.goto(f"{live_server.url}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    User.objects.filter(username="owner").update(password="!")
    page.goto(f"{live_server.url}/accounts/login/?{urlencode({'next': '/accounts/linked/'})}")
    page.get_by_role("button", name="Go on with Corp").click()
    expect(heading).to_have_text("Confirm it is you")  # it does not say that anybody was asked there (decision 257)
    elsewhere.claims = {"auth_time": int(time.time())}
    page.get_by_role("button", name="Go on with Corp").click()
    expect(page.get_by_text("This is the only way into your account.")).to_be_visible()

    elsewhere.claims = {"auth_time": int(time.time())}
    page.goto(live_server.url + authorize(prompt="login"))
    expect(heading).to_have_text("Confirm it is you")
    page.get_by_role("button", name="Go on with Corp").click()
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    row = SignIn.objects.get(ended_at=None)
    assert (row.user.username, row.connector, row.amr) == ("owner", KEY, ["federated"])
