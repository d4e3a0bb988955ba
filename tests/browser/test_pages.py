"""People meet our pages in a browser: they can sign in, go on to their app, and everybody can read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, expect

from accounts.models import SignIn, User
from tests.browser.conftest import PASSWORD, Look
from tests.browser.scene import Scene
from tests.browser.sights import (
    UNSEEN,
    UNSEEN_TEMPLATES,
    Rendered,
    console_sights,
    page_templates,
    sights,
    unvisited,
)
from tests.sweep import taking_turns

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.idp.page_urls")]

AXE_RULES = {
    "resultTypes": ["violations"],
    "preload": False,  # it would fetch imported style sheets by itself, which our policy forbids
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


@dataclass(frozen=True)
class Shape:
    """What people look at pages with, and in which language."""

    size: dict[str, int]
    colors: str
    language: str
    direction: str

    def __str__(self) -> str:
        return f"{self.colors}-{self.direction}"


DESKTOP = Shape({"width": 1280, "height": 900}, "light", "en", "ltr")
PHONE = Shape({"width": 320, "height": 700}, "dark", "ar", "rtl")
SHAPES = [DESKTOP, PHONE]


def sign_in(page: Page, login: str = "person") -> None:
    page.get_by_label("User name or e-mail").fill(login)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def faults(page: Page, *, except_for: str = "", closely: bool = True) -> list[str]:
    """Whether something has to be scrolled sideways, and if looked at closely, the rules of WCAG 2.2 AA it breaks."""
    found = [] if fits(page) else ["wider than the window"]
    if not closely:
        return found
    options = {**AXE_RULES, "rules": {except_for: {"enabled": False}}} if except_for else AXE_RULES
    broken = Axe().run(page, options=options).response["violations"]
    return [
        *found,
        *(f"{rule['id']}: {', '.join(str(node['target'][0]) for node in rule['nodes'])}" for rule in broken),
    ]


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def listen(page: Page) -> list[str]:
    """What the browser says against the pages; that the page of a failure comes as one is no complaint."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "the server responded with a status of" not in message.text:
            said.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_everybody_can_use_every_page(new_context: Any, scene: Scene, look: Look, shape: Shape) -> None:
    """In every shape it fits; each page is looked at closely in one of them, and in a sweep in both."""
    page = new_context(viewport=shape.size, color_scheme=shape.colors, locale=shape.language).new_page()
    said = listen(page)
    found: list[str] = []
    with Rendered() as rendered:
        for turn, sight in enumerate(look(sights(scene), page)):
            closely = shape in taking_turns(SHAPES, turn)
            found += [f"{sight.name}: {fault}" for fault in faults(page, closely=closely)]
            # The page of a failure asks nothing of what may have failed, and the language may be among it.
            if sight.name != "failure":
                root = page.locator("html")
                read = (root.get_attribute("lang"), root.get_attribute("dir"))
                assert read == (shape.language, shape.direction), sight.name
            if shape is DESKTOP:
                page.set_viewport_size(PHONE.size)
                found += [] if fits(page) else [f"{sight.name}: wider than a phone"]
                page.set_viewport_size(DESKTOP.size)
    assert not found, "\n".join(found)
    assert said == []
    assert set(page_templates()) - rendered.names == UNSEEN_TEMPLATES.keys()


def test_every_address_for_people_is_among_the_pages(scene: Scene) -> None:
    assert unvisited(sights(scene)) == UNSEEN.keys()


def test_everybody_can_use_the_console(new_context: Any, scene: Scene, look: Look) -> None:
    """In German, whose words are the longest, at a desk and on a phone."""
    page = new_context(viewport=DESKTOP.size, locale="de").new_page()
    said = listen(page)
    found: list[str] = []
    for sight in look(console_sights(scene), page):
        # The admin's tables have a corner without words above their rows' names: advice of axe, no rule of WCAG.
        found += [f"{sight.name}: {fault}" for fault in faults(page, except_for="empty-table-header")]
        page.set_viewport_size({"width": 360, "height": 700})
        found += [] if fits(page) else [f"{sight.name}: wider than a phone"]
        page.set_viewport_size(DESKTOP.size)
    assert not found, "\n".join(found)
    assert said == []


def test_signing_in_on_the_way_to_an_app_ends_at_the_app(page: Page, live_server: Any, person: User, app: str) -> None:
    page.goto(f"{live_server.url}/test/authorize/?app={quote(app)}")
    sign_in(page)
    expect(page).to_have_title("the app")
    assert page.url == app


def test_an_app_at_an_ipv6_address_is_reached(page: Page, live_server: Any, person: User) -> None:
    app = "http://[::1]:9/cb?code=x&state=y"
    response = page.goto(f"{live_server.url}/test/authorize/?app={quote(app)}")
    assert response is not None
    assert "[::1]" not in response.headers["content-security-policy"]
    with page.expect_request(app):  # nobody listens there, but the browser goes
        sign_in(page)


def test_the_browser_refuses_a_mere_redirect_from_a_form_to_an_app(
    page: Page, live_server: Any, person: User, app: str
) -> None:
    page.goto(f"{live_server.url}/test/authorize/?redirect&app={quote(app)}")
    with page.expect_console_message(lambda message: "form-action" in message.text):
        sign_in(page)
    assert page.url.startswith(live_server.url)


def test_proving_oneself_again_ends_at_the_app(page: Page, live_server: Any, person: User, app: str) -> None:
    address = f"/test/authorize/?app={quote(app)}"
    page.goto(f"{live_server.url}{address}")  # remembers the way
    page.goto(f"{live_server.url}/accounts/login/")
    sign_in(page)
    before = SignIn.objects.get().auth_time
    page.goto(f"{live_server.url}/accounts/reauthenticate/?next={quote(address)}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_title("the app")
    page.goto(live_server.url)
    assert SignIn.objects.get().auth_time > before


def test_using_another_account_ends_at_the_app(page: Page, live_server: Any, person: User, app: str) -> None:
    User.objects.create_user("other", password=PASSWORD)
    address = f"/test/authorize/?app={quote(app)}"
    page.goto(f"{live_server.url}{address}")
    page.goto(f"{live_server.url}/accounts/login/")
    sign_in(page)
    page.goto(f"{live_server.url}/accounts/switch/?next={quote(address)}")
    page.get_by_role("button", name="Sign out and go on").click()
    sign_in(page, "other")
    expect(page).to_have_title("the app")
    assert SignIn.objects.get(user__username="person").ended_at is not None


def test_consent_works_with_the_keyboard_and_without_scripts(browser: Any, live_server: Any, person: User) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/")
    sign_in(page)
    page.goto(f"{live_server.url}/test/consent/")
    page.get_by_label("See your e-mail address").uncheck()
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Allow").press("Enter")
    body = sent.value.post_data or ""
    assert "decision=allow" in body
    assert "scope=orders.read" in body
    assert "scope=email" not in body
    context.close()


def test_allow_and_deny_have_the_same_size(page: Page, live_server: Any, person: User) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    sign_in(page)
    page.goto(f"{live_server.url}/test/consent/")
    allow, deny = (page.get_by_role("button", name=name).bounding_box() for name in ("Allow", "Deny"))
    assert allow is not None
    assert deny is not None
    assert (allow["width"], allow["height"]) == (deny["width"], deny["height"])
    assert min(allow["width"], allow["height"]) >= 44
