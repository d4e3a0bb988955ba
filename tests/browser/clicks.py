"""How much work a task is: a person at a page who counts the clicks and the fields that were typed into."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


class Counting:
    """Somebody who does a task. Going to a known address is no click: it is where the task begins."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.typed = 0

    def click(self, what: Locator) -> None:
        """A link, a button, a box, a tab: whatever is pressed once."""
        self.clicks += 1
        what.click()

    def choose(self, what: Locator, label: str) -> None:
        """An entry of a list that folds out: one click to open it and one to choose, as people would count."""
        self.clicks += 2
        what.select_option(label=label)

    def type(self, what: Locator, text: str) -> None:
        self.typed += 1
        what.fill(text)

    def press(self, what: Locator, key: str = "Enter") -> None:
        """A form that is sent from its field is no click."""
        what.press(key)
