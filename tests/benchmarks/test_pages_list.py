"""However much an installation has, a page asks the database as often. How long that takes, `make bench-pages` says."""

from __future__ import annotations

from collections.abc import Container, Iterator

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from clients.models import SecurityEvent
from tests.benchmarks.pages_data import Size, as_given, fill
from tests.benchmarks.pages_list import of_account, of_console
from tests.console import browser

LITTLE, MORE = Size(projects=3, apps=8, people=8, each=30), Size(projects=6, apps=20, people=20, each=120)


def asked(size: Size, again: Container[str] | None = None) -> dict[str, int]:
    """How often each page asks. `again`: these alone, once what is remembered of their rows is known."""
    with transaction.atomic():
        fill(size)
        found = dict(_asked(again))
        transaction.set_rollback(True)
    return found


def _asked(again: Container[str] | None) -> Iterator[tuple[str, int]]:
    for username, pages in (("root", of_console()), ("user0000", of_account())):
        http = browser(username)
        for page, address in pages:
            name = f"{username}: {page}"
            if again is not None and name not in again:
                continue
            if again is not None:
                http.get(address)
            with CaptureQueriesContext(connection) as statements:
                answer = http.get(address)
            if answer.status_code == 200:
                yield name, len(statements)


@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_no_page_asks_more_often_when_there_is_more() -> None:
    """More comes first: what a process remembers then makes the other numbers smaller, and hides no rise."""
    more, little = asked(MORE), asked(LITTLE)
    assert len(little) > 100
    assert little.keys() <= more.keys()
    risen = {name for name, number in little.items() if number < more[name]}
    more, little = asked(MORE, again=risen), asked(LITTLE, again=risen)
    assert {name: (little[name], more[name]) for name in risen if little[name] < more[name]} == {}


def test_what_cannot_be_filled_leaves_moments_to_be_written_as_ever() -> None:
    written = SecurityEvent._meta.get_field("at")
    filling = as_given((SecurityEvent, "at"))
    filling.__enter__()
    assert not vars(written)["auto_now_add"]
    filling.__exit__(ValueError, ValueError("This cannot be filled."), None)
    assert vars(written)["auto_now_add"]
