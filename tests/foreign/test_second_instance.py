"""Another installation of this product as the provider elsewhere: its own process, database, keys and issuer.

Somebody goes through both in a browser, which knows the one as 127.0.0.1 and the other as localhost.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from accounts import groups
from accounts.models import SignIn, User
from clients.models import Client
from projects.actors import Actor
from projects.upstream import fetched, registration
from projects.upstream.models import Connector
from tests.installation import Installation, free_port, prepared, serving
from tests.projects.upstream.elsewhere import BY, KEY, SECRET, connector
from tests.world import CHALLENGE, VERIFIER, claims_of

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
OWNED = {"owns_domains": ("people.example",)}
DESK = "https://desk.house.example/cb"
# What the other installation has besides its world: us as a client, and what it tells us of people.
US = f"""
version: 1
groups: [{{name: singers}}, {{name: gardeners}}]
users:
  - {{username: owner, groups: [singers], attributes: {{nickname: Ollie}}}}
  - {{username: ada, password: ada-pw, email: ada@people.example, email_verified: true}}
projects:
  - id: federation
    name: Federation
    consent_mode: implicit
    claims: {{groups: {{source: groups, told_in: [userinfo], scope: groups}}}}
    clients:
      - client_id: federation
        client_name: Federation
        client_secret: {SECRET}
        grant_types: [authorization_code]
        redirect_uris: ["NEAR/accounts/from/{KEY}/callback"]
        backchannel_logout_uri: "NEAR/accounts/from/{KEY}/logout"
        scope: openid profile email groups
"""


@pytest.fixture(scope="session")
def near_url(live_server: Any) -> str:
    return f"http://127.0.0.1:{urlsplit(live_server.url).port}"


@pytest.fixture(scope="module")
def upstream(near_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    port, folder = free_port(), tmp_path_factory.mktemp("upstream")
    made = prepared(folder, f"http://localhost:{port}", "", US.replace("NEAR", near_url))
    with serving(made, port):
        yield made


@pytest.fixture
def near(near_url: str, world: None, settings: Any) -> Iterator[str]:
    settings.IDP_ISSUER = near_url
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    fetched.forget()
    yield near_url
    fetched.forget()


@pytest.fixture
def somebody(browser: Browser) -> Iterator[Callable[[], Page]]:
    """A browser for each: nobody has cookies of another."""
    contexts: list[BrowserContext] = []

    def opened() -> Page:
        contexts.append(browser.new_context())
        return contexts[-1].new_page()

    yield opened
    for one in contexts:
        one.close()


def prove_there(page: Page, name: str = "owner") -> None:
    page.get_by_label("User name or e-mail").fill(name)
    page.get_by_label("Password").fill(f"{name}-pw")
    page.get_by_role("button", name="Sign in", exact=True).click()


def come(page: Page, near: str, name: str = "owner", next_url: str = "/accounts/security/") -> None:
    """Sign in here by way of there."""
    page.goto(f"{near}/accounts/login/?{urlencode({'next': next_url})}")
    page.get_by_role("button", name="Go on with Corp").click()
    prove_there(page, name)


def request_of(near: str, **more: str) -> str:
    query = {"response_type": "code", "client_id": "desk", "redirect_uri": DESK, "scope": "openid offline_access"}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", **more}
    return f"{near}/oauth2/authorize?{urlencode(query)}"


def code_in(page: Page, begin: Callable[[], object]) -> str:
    """What the app would get, were it there."""
    with page.expect_request(lambda request: request.url.startswith(DESK)) as seen:
        begin()
    return parse_qs(urlsplit(seen.value.url).query)["code"][0]


def tokens(near: str, **form: str) -> requests.Response:
    said = {"redirect_uri": DESK, **form} if form["grant_type"] == "authorization_code" else form
    return requests.post(f"{near}/oauth2/token", said, auth=("desk", "desk-secret"), timeout=30)


def redeemed(near: str, code: str) -> dict[str, Any]:
    answer = tokens(near, grant_type="authorization_code", code=code, code_verifier=VERIFIER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def disable(row: Connector) -> None:
    row.refresh_from_db()
    registration.change(row, replace(registration.metadata_of(row), enabled=False), BY)


def test_attributes_and_groups_come_along_and_all_ends_with_the_connector(
    near: str, upstream: Installation, somebody: Callable[[], Page]
) -> None:
    taken: dict[str, Any] = {"attributes": {"nickname": "nickname"}, "groups_claim": "groups", "scope": "groups"}
    row = connector(upstream.issuer, **OWNED, **taken, groups={"singers": "choir"})
    groups.make("choir", Actor.operator("test"))
    Client.objects.filter(client_id="desk").update(scope="openid profile email offline_access groups")
    page = somebody()
    code = code_in(page, lambda: come(page, near, next_url=request_of(near).removeprefix(near)))
    told = redeemed(near, code)
    claims, owner = claims_of(told["id_token"]), User.objects.get(username="owner")
    assert (claims["iss"], claims["sub"], claims["amr"], claims["acr"]) == (near, owner.sub, ["federated"], "aal1")
    assert owner.attributes["nickname"] == "Ollie"
    assert groups.group_names(owner.pk) == ("choir",)
    assert SocialAccount.objects.get().uid not in ("", owner.sub), "who they are there"

    headers = {"Authorization": f"Bearer {told['access_token']}"}
    assert requests.get(f"{near}/oauth2/userinfo", headers=headers, timeout=30).status_code == 200
    disable(row)
    assert requests.get(f"{near}/oauth2/userinfo", headers=headers, timeout=30).status_code == 401
    refused = tokens(near, grant_type="refresh_token", refresh_token=told["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    page.goto(f"{near}/accounts/security/")
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page.get_by_role("button", name="Go on with Corp")).to_have_count(0)


def test_u1_an_answer_signs_in_nobody_in_another_browser(
    near: str, upstream: Installation, somebody: Callable[[], Page]
) -> None:
    connector(upstream.issuer, **OWNED)
    page, another = somebody(), somebody()
    answers: list[str] = []

    def keep(route: Route) -> None:
        answers.append(route.request.url)
        route.abort()

    page.route(f"{near}/accounts/from/{KEY}/callback**", keep)
    page.goto(f"{near}/accounts/login/")
    page.get_by_role("button", name="Go on with Corp").click()
    page.get_by_label("User name or e-mail").fill("owner")
    page.get_by_label("Password").fill("owner-pw")
    with page.expect_event("requestfailed", lambda request: "/callback" in request.url):
        page.get_by_role("button", name="Sign in", exact=True).click()
    another.goto(answers[0])
    expect(another.get_by_role("heading", level=1)).to_have_text(
        "This sign-in is over, or was begun in another browser"
    )
    assert not SignIn.objects.exists()


def test_u2_an_account_opens_by_an_owned_address_or_by_a_link_of_its_person(
    near: str, upstream: Installation, somebody: Callable[[], Page]
) -> None:
    row = connector(upstream.issuer)
    page, unknown = somebody(), "This sign-in opens no account here"
    come(page, near)
    expect(page.get_by_role("heading", level=1)).to_have_text(unknown)
    page.goto(f"{near}/accounts/login/?{urlencode({'next': '/accounts/linked/'})}")
    prove_there(page)
    page.get_by_role("button", name="Link Corp").click()
    expect(page.get_by_text("This sign-in is linked to your account.")).to_be_visible()
    assert SocialAccount.objects.get().user.username == "owner"

    registration.change(row, replace(registration.metadata_of(row), **OWNED), BY)  # type: ignore[arg-type]
    page = somebody()
    come(page, near, "member")
    expect(page.get_by_role("heading", level=1)).to_have_text(unknown)  # neither side verified that address
    assert [one.user.username for one in SignIn.objects.all()] == ["owner"]


def test_u3_a_passkey_there_is_two_factors_here_only_where_that_counts(
    near: str, upstream: Installation, somebody: Callable[[], Page]
) -> None:
    row = connector(upstream.issuer, **OWNED, creates_people=True)
    page = somebody()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    abilities = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True, **abilities}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")  # it would be used
    page.goto(f"{upstream.issuer}/accounts/login/?{urlencode({'next': '/accounts/passkeys/add/'})}")
    prove_there(page, "ada")
    page.get_by_label("Name").fill("Here")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    for trusted, acr in ((False, "aal1"), (True, "aal2")):
        registration.change(row, replace(registration.metadata_of(row), trusts_mfa=trusted), BY)
        page.context.clear_cookies()
        page.goto(f"{near}/accounts/login/?{urlencode({'next': '/accounts/security/'})}")
        page.get_by_role("button", name="Go on with Corp").click()
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Security")
        sign_in = SignIn.objects.latest("created_at")
        assert (sign_in.user.email, sign_in.acr) == ("ada@people.example", acr)
        assert sign_in.amr == (["federated", "swk", "mfa"] if trusted else ["federated"])


def test_who_signs_out_there_is_signed_out_here(
    near: str, upstream: Installation, somebody: Callable[[], Page]
) -> None:
    connector(upstream.issuer, **OWNED)
    page, elsewhere = somebody(), somebody()
    for one in (page, elsewhere):
        come(one, near)
        expect(one.get_by_role("heading", level=1)).to_have_text("Security")
    assert SignIn.objects.exclude(upstream_sid="").count() == 2
    page.goto(f"{upstream.issuer}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("signed out", exact=False).first).to_be_visible()
    upstream.command("deliverevents")
    page.goto(f"{near}/accounts/security/")
    expect(page.get_by_label("Password")).to_be_visible()
    elsewhere.reload()
    expect(elsewhere.get_by_role("heading", level=1)).to_have_text("Security")
    assert SignIn.objects.filter(ended_at=None).count() == 1


def test_who_has_no_password_here_proves_it_there_once_more(
    near: str, upstream: Installation, somebody: Callable[[], Page]
) -> None:
    connector(upstream.issuer, **OWNED)
    User.objects.filter(username="owner").update(password="!")
    page = somebody()
    come(page, near)
    expect(page.get_by_role("heading", level=1)).to_have_text("Security")
    since = int(time.time())

    def proves() -> None:
        page.goto(request_of(near, prompt="login"))
        expect(page.get_by_role("heading", level=1)).to_have_text("Confirm it is you")
        page.get_by_role("button", name="Go on with Corp").click()
        expect(page).to_have_url(re.compile(re.escape(f"{upstream.issuer}/accounts/reauthenticate/")))
        page.get_by_label("Password").fill("owner-pw")
        page.get_by_role("button", name="Go on").click()

    claims = claims_of(redeemed(near, code_in(page, proves))["id_token"])
    assert claims["auth_time"] >= since
    assert SignIn.objects.get().amr == ["federated"]
