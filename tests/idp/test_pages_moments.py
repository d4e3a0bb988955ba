"""Moments on pages of languages that are written from right to left."""

from __future__ import annotations

import re

import pytest

from idp.settings import BASE_DIR

# A moment with its hour. In `blocktranslate` the translation keeps it together (tests/test_wording.py).
BARE = re.compile(r'\{\{[^}]*\|date:"[^"]*H:i"[^}]*\}\}')
KEPT = re.compile(r"<bdi>(?:(?!</bdi>).)*</bdi>", re.DOTALL)


@pytest.mark.parametrize("folder", ["account", "admin", "mfa", "upstream"])
def test_a_moment_does_not_turn_round(folder: str) -> None:
    pages = list((BASE_DIR / "templates" / folder).rglob("*.html"))
    assert pages
    bare = [(page.name, found) for page in pages for found in BARE.findall(KEPT.sub("", page.read_text()))]
    assert bare == []
