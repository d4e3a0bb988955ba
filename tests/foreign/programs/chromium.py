"""Somebody at a Chromium, who is sent between a program and the provider."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page


def prove_and_allow(page: Page) -> None:
    page.get_by_label("User name or e-mail").fill("owner")
    page.get_by_label("Password").fill("owner-pw")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Allow").click()


def shown(page: Page) -> Any:
    """The JSON that a program shows; anything else is what went wrong."""
    text = page.locator("body").inner_text()
    assert text.startswith("{"), f"{page.url}: {text[:1000]}"
    return json.loads(text)
