"""What people do on the way to an app, counted: C1 to C8 of what the field showed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.conf import LazySettings
from django.core import mail
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from clients.models import Authorization, Client
from tests.accounts.second_steps import code, enrol
from tests.browser.clicks import Counting
from tests.browser.test_two_steps import add_passkey, filling_in, give_password, sign_out
from tests.world import CHALLENGE, ORDERS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ASKED = "openid email orders.read"


@pytest.fixture
def address(live_server: Any, world: None, settings: LazySettings, app: str) -> str:
    settings.IDP_ISSUER = live_server.url
    Client.objects.filter(client_id="web").update(redirect_uris=app)
    query = {"response_type": "code", "client_id": "web", "redirect_uri": app, "scope": ASKED, "resource": ORDERS}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    return f"{live_server.url}/oauth2/authorize?{urlencode(query)}"


@pytest.fixture
def person(page: Page) -> Counting:
    return Counting(page)


def come(person: Counting, address: str) -> None:
    person.page.goto(address)
    expect(person.page.get_by_text("to go on to Acme")).to_be_visible()


def sign_in(person: Counting, password: str = "owner-pw") -> None:
    person.type(person.page.get_by_label("User name or e-mail"), "owner")
    person.type(person.page.get_by_label("Password"), password)
    person.click(person.page.get_by_role("button", name="Sign in", exact=True))


def allow(person: Counting) -> dict[str, list[str]]:
    """The consent page is answered; what the app gets."""
    expect(person.page.get_by_role("heading", level=1)).to_have_text("Acme wants to use your account")
    person.click(person.page.get_by_role("button", name="Allow"))
    expect(person.page).to_have_title("the app")
    return parse_qs(urlsplit(person.page.url).query)


def test_c1_somebody_signs_up_on_the_way_and_gets_there(person: Counting, address: str, settings: LazySettings) -> None:
    settings.IDP_SIGNUP_OPEN, settings.ACCOUNT_EMAIL_VERIFICATION = True, "mandatory"
    page = person.page
    come(person, address)
    person.click(page.get_by_role("link", name="Create an account"))
    person.type(page.get_by_label("E-mail address"), "new@people.example")
    person.type(page.get_by_label("Password"), "correct horse battery staple")
    person.click(page.get_by_role("button", name="Create an account"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Look at your mail")
    expect(page.get_by_text("to go on to Acme")).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)  # it is said once
    [link] = re.findall(r"http\S+/accounts/confirm-email/\S+/", str(mail.outbox[-1].body))
    page.goto(link)
    person.click(page.get_by_role("button", name="Yes, verify it"))
    assert allow(person)["code"]
    assert (person.clicks, person.typed) == (4, 2)


def test_c2_a_wrong_password_is_looked_at_and_mended(person: Counting, address: str) -> None:
    come(person, address)
    sign_in(person, "owner pw")
    expect(person.page.get_by_role("alert")).to_contain_text("The user name or the password is wrong.")
    password = person.page.get_by_label("Password")
    person.type(password, "owner-pw")
    person.click(person.page.get_by_role("button", name="Show"))
    expect(password).to_have_attribute("type", "text")
    person.click(person.page.get_by_role("button", name="Sign in", exact=True))
    allow(person)
    assert (person.clicks, person.typed) == (4, 3)


def test_c3_a_passkey_needs_no_click_and_no_typing(person: Counting, address: str, live_server: Any) -> None:
    page = filling_in(person.page, [])
    page.goto(f"{live_server.url}/accounts/login/")
    give_password(page)
    add_passkey(page, live_server)
    sign_out(page, live_server)
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto(address)
    allow(person)
    assert (person.clicks, person.typed) == (1, 0)


def test_c4_a_code_of_the_authenticator_app_is_one_step_more(person: Counting, address: str) -> None:
    enrol(User.objects.get(username="owner"))
    come(person, address)
    sign_in(person)
    expect(person.page.get_by_text("to go on to Acme")).to_be_visible()
    person.type(person.page.get_by_label("Code"), code())
    person.click(person.page.get_by_role("button", name="Go on"))
    allow(person)
    assert (person.clicks, person.typed) == (3, 3)


def test_c5_an_api_that_is_left_out_takes_its_permissions_along(person: Counting, address: str) -> None:
    come(person, address)
    sign_in(person)
    page = person.page
    expect(page.locator("legend:not(.unseen), .place .name")).to_have_text(["About you", "Orders"])  # each once
    orders, read = (
        page.get_by_role("checkbox", name="Orders What you bought"),
        page.get_by_role("checkbox", name="See your orders"),
    )
    expect(read.locator("xpath=..")).to_have_css("opacity", "1")
    person.click(orders)
    expect(read.locator("xpath=..")).to_have_css("opacity", "0.45")
    allow(person)
    row = Authorization.objects.get()
    assert (sorted(row.scopes), row.audiences) == (["email", "openid"], [])
    assert person.clicks == 3


def test_c6_two_tabs_and_a_refusal_each_get_their_answer(person: Counting, address: str) -> None:
    come(person, address)
    sign_in(person)
    other = Counting(person.page.context.new_page())
    other.page.goto(address)
    first, second = allow(person)["code"], allow(other)["code"]
    assert first != second
    other.page.goto(f"{address}&prompt=consent")
    other.click(other.page.get_by_role("button", name="Deny"))
    expect(other.page).to_have_url(re.compile("error=access_denied"))


def test_c7_a_page_that_is_too_old_leads_to_the_request_it_was_of(person: Counting, address: str) -> None:
    come(person, address)
    sign_in(person)
    expect(person.page.get_by_role("button", name="Allow")).to_be_visible()
    person.page.context.clear_cookies()
    person.click(person.page.get_by_role("button", name="Allow"))
    expect(person.page.get_by_role("heading", level=1)).to_have_text("This form is no longer valid")
    person.click(person.page.get_by_role("link", name="Try again"))
    expect(person.page.get_by_text("to go on to Acme")).to_be_visible()
    sign_in(person)
    assert allow(person)["code"]
    assert person.clicks == 5


@pytest.fixture
def phone(browser: Browser) -> Iterator[Counting]:
    """In German, and without scripts."""
    context = browser.new_context(java_script_enabled=False, locale="de-DE", viewport={"width": 360, "height": 740})
    yield Counting(context.new_page())
    context.close()


def test_c8_without_scripts_on_a_phone_in_german(phone: Counting, address: str) -> None:
    phone.page.goto(address)
    expect(phone.page.get_by_text("um zu Acme zu gelangen")).to_be_visible()
    phone.type(phone.page.locator("#id_login"), "owner")
    phone.type(phone.page.locator("#id_password"), "owner-pw")
    phone.press(phone.page.locator("#id_password"))
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("Acme möchte Ihr Konto verwenden")
    phone.click(phone.page.get_by_role("checkbox", name="Orders What you bought"))
    phone.click(phone.page.get_by_role("button", name="Erlauben"))
    expect(phone.page).to_have_title("the app")
    assert "orders.read" not in Authorization.objects.get().scopes
    assert (phone.clicks, phone.typed) == (2, 2)
