"""`manage.py migrate` of two nodes that are started at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import call_command

from idp.management.commands import migrate


@pytest.mark.django_db(transaction=True)
def test_migrate_says_whom_it_waits_for_and_a_look_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def another(_connection: object, wait: Callable[[], None]) -> Iterator[None]:
        wait()
        yield

    monkeypatch.setattr(migrate, "one_at_a_time", another)
    told = StringIO()
    call_command("migrate", verbosity=0, stderr=told)
    assert told.getvalue() == "Somebody else is migrating this database: waiting until that is done.\n"
    told = StringIO()
    call_command("migrate", check_unapplied=True, plan=True, stderr=told, stdout=StringIO())
    assert told.getvalue() == ""
