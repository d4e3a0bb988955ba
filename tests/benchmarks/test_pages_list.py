"""However much an installation has, a page asks the database as often. How long that takes, `make bench-pages` says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.benchmarks.pages_data import Size, fill
from tests.benchmarks.pages_list import of_account, of_console
from tests.console import browser

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
LITTLE, MORE = Size(projects=4, apps=30, people=20, each=200), Size(projects=9, apps=90, people=60, each=900)


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


def test_no_page_asks_more_often_when_there_is_more() -> None:
    little, more = asked(LITTLE), asked(MORE)
    assert len(little) > 100
    assert {name: (number, more[name]) for name, number in little.items() if number < more.get(name, 0)} == {}
