"""The base of our management commands."""

from __future__ import annotations

import getpass
import os
import socket
import time
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection

from common import clock
from common.database_errors import advice, is_for_the_operator
from common.unreleased import is_unreleased, start_anew


def readable(argument: str) -> str:
    """Arguments may be any bytes; databases and answers hold text."""
    return argument.encode(errors="replace").decode()


def as_name(argument: str) -> str:
    """No client and no person has a NUL in their name, and PostgreSQL fails on one."""
    return readable(argument).replace("\0", "?")


def whoever_runs_this() -> str:
    """For events: the user of the operating system, and the machine."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number that nobody named
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"[:100]


class DatabaseCommand(BaseCommand):
    """A command that needs the database and its tables, and says so in a sentence when they are missing."""

    def execute(self, *args: object, **options: object) -> str | None:
        try:
            if is_unreleased(connection):
                raise CommandError(start_anew(connection))
            learn_the_time()
            return super().execute(*args, **options)
        except Error as error:
            if not is_for_the_operator(error):
                raise
            raise CommandError(advice(error)) from None


def learn_the_time() -> None:
    """What a command ends, it ends by the clock that tokens were issued by; servers learn it with the facts.

    By a clock that is behind, what was issued a moment ago would live on.
    """
    if connection.vendor != "postgresql":  # a file of this machine
        return
    asked_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        clock.compare(cursor.fetchone()[0], timedelta(seconds=time.monotonic() - asked_at))
