"""`manage.py applyconfig FILE`: make the database say what the configuration file says."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from common.command import DatabaseCommand, as_name, whoever_runs_this
from idp.configuration import ConfigurationError, Prune, Report, apply
from idp.configuration.reading import MAX_CHARACTERS

DRIFT = 2
MAX_BY = 200  # characters


class Command(DatabaseCommand):
    help = "Apply a configuration file: all of it in one transaction, or nothing. Applying twice changes nothing."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the file to apply; - reads standard input")
        parser.add_argument(
            "--check",
            action="store_true",
            help=f"change nothing; be silent, or print what differs and exit with {DRIFT}",
        )
        parser.add_argument(
            "--prune",
            nargs="?",
            choices=[Prune.LISTED.value, Prune.PROJECTS.value],
            const=Prune.LISTED.value,
            default=Prune.NOTHING.value,
            help="delete what the file's lists do not name; with 'projects', projects that it does not name, too",
        )
        parser.add_argument(
            "--prune-values",
            action="store_true",
            help="with --prune: attributes too of which people have a value, and groups with people or roles",
        )
        parser.add_argument("--strict", action="store_true", help="refuse what is only warned of without it")
        parser.add_argument(
            "--by", metavar="WHO", default=whoever_runs_this(), help="who applies it, for the events (%(default)s)"
        )
        super().add_arguments(parser)

    def handle(
        self, *, file: str, dry_run: bool, check: bool, prune: str, strict: bool, by: str, **options: object
    ) -> None:
        name, look_only = "<stdin>" if file == "-" else file, dry_run or check
        if not check:
            self.stderr.write(f"{'Comparing with' if look_only else 'Applying'} {name}", self.style.NOTICE)
        text = _read(file)
        origin = {"by": as_name(by)[:MAX_BY], "sha256": hashlib.sha256(text.encode()).hexdigest()}
        try:
            report = apply(
                text,
                path=name,
                dry_run=look_only,
                strict=strict,
                prune=Prune(prune),
                prune_values=bool(options["prune_values"]),
                origin=origin,
            )
        except ConfigurationError as error:
            if self.as_json:
                self.answer({"applied": False, "problems": [one.as_dict() for one in error.problems]}, [])
            raise CommandError(f"Nothing was applied.\n{error}") from None
        self.answer({"applied": not look_only, **report.as_dict()}, _lines(report, look_only=look_only, check=check))
        if check and report.changed:
            raise CommandError("The database is not as the file says.", returncode=DRIFT)
        if not check and not self.as_json:
            for warning in report.warnings:
                self.stderr.write(f"Warning: {warning}", self.style.WARNING)


def _lines(report: Report, *, look_only: bool, check: bool) -> Iterator[str]:
    for change in report.drift:
        yield change.intended if look_only else str(change)
    if not report.changed and not check:
        yield "Nothing to change."
    if report.generated_secrets:
        yield from ("", "These secrets were made now. Keep them: they cannot be shown again.")
        for client_id, secret in report.generated_secrets.items():
            yield f"  {client_id}  {secret}"


def _read(name: str) -> str:
    """The text of the file, or a sentence that says why it cannot be read."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_CHARACTERS * 4 + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_CHARACTERS * 4 + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"{name} cannot be read: {reason}.") from None
    if len(data) > MAX_CHARACTERS * 4:
        raise CommandError(f"{name} is too large: at most {MAX_CHARACTERS:,} characters.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is not UTF-8 text (byte {error.start + 1}). Save it as UTF-8.") from None
