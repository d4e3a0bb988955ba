"""Tabs on top of the pages of one thing. They are links; `templates/admin/tabs.html` shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    here: bool


def tabs(pages: Iterable[tuple[str, str | Promise, str]], here: str) -> list[Tab]:
    """`pages`: the key, label and address of each. What has no address is not there."""
    return [Tab(str(label), url, key == here) for key, label, url in pages if url]
