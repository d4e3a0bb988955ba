"""Who has only a keyboard gets everywhere, sees where they are, and sends every form."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import PASSWORD, Look
from tests.browser.scene import Scene
from tests.browser.sights import sights

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STOP = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return here === document.body ? null : [here.value || here.id || here.innerText.trim().split('\\n').join(' '), seen];
}"""


def stops(page: Page) -> list[str]:
    """Where the Tab key leads, one after the other; each is seen to have the focus."""
    found: list[str] = []
    while True:
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            return found
        assert stop[1], f"the focus on {stop[0]} is not seen"
        found.append(stop[0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "consent",
            "Use another account, profile, email, offline_access, Details About you, https://api.acme.example/orders, "
            "orders.read, orders.write, Details Orders, urn:acme:queue, ends, deny, allow, "
            "Home page, Privacy policy, Terms of service, Support",
        ),
        ("second-step", "use_passkey, id_code, Go on, Use another account"),
        ("totp-set-up", "Account, Apps, Security, Sign out, id_code, Turn it on, Cancel"),
    ],
)
def test_the_keyboard_reaches_everything_in_order(
    page: Page, scene: Scene, look: Look, name: str, expected: str
) -> None:
    list(look([one for one in sights(scene) if one.name == name], page))
    page.evaluate("document.activeElement.blur()")  # fields that are waited for have it
    page.keyboard.press("Control+Home")
    assert stops(page) == ["Skip to the content", "Vestibule", *expected.split(", ")]


def test_signing_in_by_the_keyboard_alone(page: Page, live_server: Any, person: User) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.get_by_label("User name or e-mail").focus()
    page.keyboard.type("person@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pat Doe")).to_be_visible()
