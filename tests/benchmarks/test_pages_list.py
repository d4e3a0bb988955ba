"""However much an installation has, a page asks the database as often. How long that takes, `make bench-pages` says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from clients.models import SecurityEvent
from tests.benchmarks.pages_data import Size, as_given, fill
from tests.benchmarks.pages_list import of_account, of_console
from tests.console import browser

LITTLE, MORE = Size(projects=3, apps=8, people=8, each=30), Size(projects=6, apps=20, people=20, each=120)


def asked(size: Size) -> dict[str, int]:
    """How often each page asks, when what is remembered is known."""
    with transaction.atomic():
        fill(size)
        found = dict(_asked())
        transaction.set_rollback(True)
    return found


def _asked() -> Iterator[tuple[str, int]]:
    for username, pages in (("root", of_console()), ("user0000", of_account())):
        http = browser(username)
        for name, address in pages:
            http.get(address)
            with CaptureQueriesContext(connection) as statements:
                answer = http.get(address)
            if answer.status_code == 200:
                yield f"{username}: {name}", len(statements)


@pytest.mark.any_database
@pytest.mark.usefixtures("keys")
def test_no_page_asks_more_often_when_there_is_more() -> None:
    little, more = asked(LITTLE), asked(MORE)
    assert len(little) > 100
    assert little.keys() <= more.keys()
    assert {name: (number, more[name]) for name, number in little.items() if number < more[name]} == {}


def test_what_cannot_be_filled_leaves_moments_to_be_written_as_ever() -> None:
    written = SecurityEvent._meta.get_field("at")
    with pytest.raises(ZeroDivisionError), as_given((SecurityEvent, "at")):
        assert not vars(written)["auto_now_add"]
        raise ZeroDivisionError
    assert vars(written)["auto_now_add"]
