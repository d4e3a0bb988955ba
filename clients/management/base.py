"""What our commands do alike."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, ProgrammingError

from clients.database_trouble import advice, lacks_tables


class DatabaseCommand(BaseCommand):
    """A command that needs the database with its tables, and says so in a sentence when it is not there."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (OperationalError, InterfaceError) as error:
            raise CommandError(advice(error)) from None
        except ProgrammingError as error:
            if not lacks_tables(error):
                raise  # a mistake of ours
            raise CommandError(advice(error)) from None
