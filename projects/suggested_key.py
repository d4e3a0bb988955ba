"""A project's key that nobody typed is made of its name."""

from __future__ import annotations

from typing import Any

from django.utils.text import slugify

from projects.door import DoorForm

LONGEST = 50  # as its column


class SuggestedKey(DoorForm):
    """Mixed into the form of projects. A key that is there is not on the form any more: it stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "key" in self.fields:
            self.fields["key"].required = False

    def clean_key(self) -> str:
        typed: str = self.cleaned_data["key"]
        return typed or slugify(self.cleaned_data.get("name", ""))[:LONGEST].strip("-")
