"""Takes docs/screenshots: every page in three shapes, some in German and Arabic. Run by `make screenshots`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect

from tests.browser.conftest import Look
from tests.browser.scene import Scene
from tests.browser.sights import console_sights, sights
from tests.browser.small_png import smaller

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.idp.page_urls")]

TARGET = Path(__file__).parents[2] / "docs" / "screenshots"
HIGHEST = 1600  # pixels
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
SHAPES: dict[str, dict[str, Any]] = {
    "desktop-light": {"viewport": DESKTOP, "color_scheme": "light"},
    "desktop-dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light"},
    "german": {"viewport": PHONE, "color_scheme": "light", "locale": "de-DE"},
    "arabic": {"viewport": PHONE, "color_scheme": "light", "locale": "ar"},
}
TRANSLATED = ("sign-in", "consent", "home", "apps")


@pytest.mark.parametrize("shape", SHAPES)
def test_take_them(new_context: Any, scene: Scene, look: Look, shape: str) -> None:
    wanted = [*sights(scene), *console_sights(scene)]
    if shape in ("german", "arabic"):
        wanted = [sight for sight in wanted if sight.name in TRANSLATED]
    context = new_context(device_scale_factor=1, **SHAPES[shape])
    page, workshop = context.new_page(), context.new_page()
    for sight in look(wanted, page):
        size = page.viewport_size or DESKTOP
        height = page.evaluate("document.documentElement.scrollHeight")
        # As high as the page: a bar that sticks to the window's edge stands at the end then, where it belongs.
        page.set_viewport_size({"width": size["width"], "height": max(min(height, HIGHEST), size["height"])})
        clip = FloatRect(x=0, y=0, width=size["width"], height=min(max(height, 300), HIGHEST))
        picture = page.screenshot(full_page=True, clip=clip)
        (TARGET / f"{sight.name}-{shape}.png").write_bytes(smaller(picture, workshop))
        page.set_viewport_size(size)


def test_list_them() -> None:
    """The gallery: a row for each page, in the order of names; the small ones lead to the whole pictures."""
    names = sorted({re.sub(rf"-({'|'.join(SHAPES)})$", "", file.stem) for file in TARGET.glob("*.png")})
    lines = ["# What the pages look like", "", "Taken from the pages themselves by `make screenshots`.", ""]
    lines += [f"| Page | {' | '.join(SHAPES)} |", "|---" * (len(SHAPES) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(_small(name, shape) for shape in SHAPES)} |" for name in names]
    (TARGET / "README.md").write_text("\n".join(lines) + "\n")


def _small(name: str, shape: str) -> str:
    file = f"{name}-{shape}.png"
    image = f'<a href="{file}"><img src="{file}" alt="{name}, {shape}" width="160"></a>'
    return image if (TARGET / file).exists() else ""
