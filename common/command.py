"""The base of our management commands: how they are asked, how they answer, and how they end.

- The answer is on standard output: sentences, or with `--format json` one JSON document, also when the answer is a
  refusal (`{"error": …}`). Only made secrets are ever in it.
- Progress is on standard error, and only where somebody looks on or has waited for a while.
- What writes has `--dry-run`.
- Exit 0: done. 1: the answer is no, or it could not be done. 2: it was asked in a wrong way; nothing was changed.
"""

from __future__ import annotations

import getpass
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, IntegrityError, connection, transaction

from common import clock, timers
from common.command_output import encoded, printable
from common.database_errors import advice, is_for_the_operator
from common.unreleased import is_unreleased, start_anew

DONE, NO, WRONG_USE = 0, 1, 2  # exit statuses
INTERRUPTED = 130
PATIENCE = 2.0  # seconds after which a run says how far it is, and between two such lines


class Refused(CommandError):
    """The answer is no (1), or what was asked cannot be (2); with the problems of each field, where there are any."""

    def __init__(
        self, sentence: str, *, returncode: int = NO, problems: Iterable[tuple[str, str]] = (), **more: object
    ) -> None:
        super().__init__(sentence, returncode=returncode)
        self.document: dict[str, object] = {"error": sentence, **more}
        if found := [{"field": field, "message": message} for field, message in problems]:
            self.document["problems"] = found


def wrong_use(sentence: str) -> Refused:
    """What was typed cannot be: nobody of that name, no such value."""
    return Refused(sentence, returncode=WRONG_USE)


def readable(argument: str) -> str:
    """Arguments may be any bytes; databases and answers hold text."""
    return argument.encode(errors="replace").decode()


def as_name(argument: str) -> str:
    """No client and no person has a NUL in their name, and PostgreSQL fails on one."""
    return readable(argument).replace("\0", "?")


def as_text(argument: str, option: str) -> str:
    """What is to be stored as it is: nothing of it is replaced."""
    if as_name(argument) != argument:
        raise wrong_use(f"{option}: this is no text. Nothing was changed.")
    return argument


def whoever_runs_this() -> str:
    """For events: the user of the operating system, and the machine."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number that nobody named
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"[:100]


@contextmanager
def kept_unless(dry_run: bool) -> Iterator[None]:
    """All of it or nothing; and nothing at all of a dry run, which goes the same way to see what would come of it."""
    try:
        with transaction.atomic():
            yield
            if dry_run:
                transaction.set_rollback(True)
    except IntegrityError:
        raise Refused("Somebody else made or changed the same in this very moment. Nothing was changed.") from None


class DatabaseCommand(BaseCommand):
    """A command that needs the database and its tables, and says so in a sentence when they are missing."""

    writes: ClassVar[bool] = False  # whether it has --dry-run
    formats: ClassVar[Sequence[str]] = ("text", "json")
    timer: ClassVar[bool] = False  # whether its last run is kept (common.timers)
    needs_database: ClassVar[bool] = True
    as_json = False

    def add_arguments(self, parser: CommandParser) -> None:
        """What every command has; those with arguments of their own call this last."""
        if self.writes:
            parser.add_argument("--dry-run", action="store_true", help="say what would come of it, change nothing")
        parser.add_argument("--format", choices=self.formats, default="text", help="how to print the answer")

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except BrokenPipeError:  # whoever reads has enough: `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)

    def execute(self, *args: object, **options: object) -> str | None:
        self.as_json, self._answered = options.get("format") == "json", False
        self._begun = self._told = time.monotonic()
        self._began_at, self._dry_run = clock.now(), bool(options.get("dry_run"))
        try:
            return self._execute(*args, **options)
        except CommandError as error:
            if self.as_json and not self._answered:
                self._write_document(error.document if isinstance(error, Refused) else {"error": str(error)})
            if error.returncode != WRONG_USE:
                self._note(str(error))
            if not getattr(self, "_called_from_command_line", False):
                raise
            raise CommandError(str(error), returncode=error.returncode) from None  # Django prints the name of the class

    def ran(self, said: Mapping[str, object], *, failed: bool = False, often: bool = False) -> None:
        """A run of a timer ended like this. A dry run is none."""
        if self.timer and not self._dry_run:
            name = type(self).__module__.rpartition(".")[2]
            timers.record(name, self._began_at, said, whoever_runs_this(), failed=failed, often=often)

    def _note(self, why: str) -> None:
        with suppress(Error):  # the database may be what failed
            self.ran({"error": why}, failed=True)

    def _execute(self, *args: object, **options: object) -> str | None:
        try:
            if self.needs_database:
                if is_unreleased(connection):
                    raise CommandError(start_anew(connection))
                learn_the_time()
            return super().execute(*args, **options)
        except Error as error:
            if not is_for_the_operator(error):
                raise
            raise CommandError(advice(error)) from None

    def answer(self, document: Mapping[str, object], lines: Iterable[str]) -> None:
        """The answer of this run, for programs and for people. Once in a run."""
        if self.as_json:
            self._write_document(document)
            return
        self._answered = True
        for line in lines:
            self.stdout.write(printable(line))

    def _write_document(self, document: Mapping[str, object]) -> None:
        self._answered = True
        self.stdout.write(encoded(document, indent=2))

    def progress(self, sentence: str) -> None:
        """How far it is: now and then, for whoever looks on or has waited for a while."""
        now = time.monotonic()
        waited = now - self._told > PATIENCE
        if waited or (self._told == self._begun and self.stderr.isatty()):
            self._told = now
            self.stderr.write(printable(sentence))


class NotHere(BaseCommand):
    """A library's command that would go past our rules: whatever it is given, it says what does the same here."""

    instead: ClassVar[str]
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        self.stderr.write(f"CommandError: {self.instead}")
        sys.exit(WRONG_USE)

    def handle(self, *args: object, **options: object) -> None:
        raise wrong_use(self.instead)


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
