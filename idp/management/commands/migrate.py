"""`manage.py migrate`: Django's, by one at a time. Two nodes that are started at once both run it."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from common.migrating import one_at_a_time


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        with one_at_a_time(connections[options["database"]], self._wait):
            super().handle(*args, **options)

    def _wait(self) -> None:
        self.stderr.write("Somebody else is migrating this database: waiting until that is done.")
