"""Somebody connects a device on their phone, in a real browser, whether scripts run or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Http
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_pages import fits
from tests.provider.devices import Device, add_devices
from tests.world import ORDERS, App, claims_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def page(request: Any, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param, viewport={"width": 360, "height": 640})
    yield context.new_page()
    context.close()


@pytest.fixture
def device(live_server: Any, world: None, settings: Any) -> Device:
    settings.IDP_ISSUER = live_server.url
    add_devices()
    return Device().begin(scope="openid email offline_access orders.read", audience=ORDERS)


def sign_in(page: Page) -> None:
    page.get_by_label("User name or e-mail").fill("owner")
    page.get_by_label("Password", exact=True).fill("owner-pw")
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_code_that_is_typed(page: Page, device: Device) -> None:
    page.goto(device.said["verification_uri"])
    page.get_by_label("Code on your device").fill("bcdf ghjk")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("No device waits with this code")
    page.get_by_label("Code on your device").fill(device.code.lower().replace("-", " "))
    page.get_by_role("button", name="Go on").click()
    sign_in(page)
    for words in ("The tv", "Acme", device.code, "See your orders", ORDERS, "just now"):
        expect(page.locator("body")).to_contain_text(words)
    page.get_by_role("checkbox", name="See your e-mail address").uncheck()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading")).to_have_text("Go back to your device")
    tokens = device.tokens()
    assert tokens["scope"] == "openid offline_access orders.read", "without what was unticked"
    assert claims_of(tokens["id_token"])["amr"] == ["pwd"]


def test_a_code_that_was_scanned_is_compared_and_denied(page: Page, device: Device) -> None:
    page.goto(device.said["verification_uri_complete"])
    expect(page.get_by_label("Code on your device")).to_have_value(device.code)
    page.get_by_role("button", name="Go on").click()
    sign_in(page)
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("heading")).to_have_text("The device was not connected")
    assert device.error() == "access_denied"
    page.go_back()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("No device waits with this code")


@pytest.mark.parametrize(("locale", "direction"), [("de-DE", "ltr"), ("ar", "rtl")])
def test_in_other_languages_the_code_stays_as_the_device_shows_it(
    browser: Browser, device: Device, locale: str, direction: str
) -> None:
    context = browser.new_context(locale=locale, viewport={"width": 360, "height": 640})
    page = context.new_page()
    page.goto(device.said["verification_uri_complete"])
    page.locator("form button").click()
    page.locator("#id_login").fill("owner")
    page.locator("#id_password").fill("owner-pw")
    page.locator("#id_password").press("Enter")
    code = page.locator("strong.user-code")
    expect(code).to_have_text(device.code)
    assert code.evaluate("one => getComputedStyle(one).direction") == "ltr"
    assert page.locator("html").get_attribute("dir") == direction
    assert fits(page)
    context.close()


def test_too_many_wrong_codes_get_a_page_that_says_so(page: Page, device: Device) -> None:
    for _guess in range(20):
        Http().post("/device", {"user_code": "BBBB-BBBB"})
    page.goto(device.said["verification_uri_complete"])
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("Try again in five minutes")
    assert App(device.client_id).post("/oauth2/device_authorization", {"scope": "openid"}).status_code == 200
