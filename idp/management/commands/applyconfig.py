"""`manage.py applyconfig FILE`: make the database say what the configuration file says."""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import CommandError

from common.command import DatabaseCommand, as_name, whoever_runs_this
from idp.configuration import ConfigurationError, Report, apply
from idp.configuration.reading import MAX_CHARACTERS

DRIFT = 2
MAX_BY = 200  # characters


class Command(DatabaseCommand):
    help = "Apply a configuration file: all of it in one transaction, or nothing. Applying twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the file to apply; - reads standard input")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        parser.add_argument(
            "--check",
            action="store_true",
            help=f"change nothing; exit with {DRIFT} when the database is not as the file says",
        )
        parser.add_argument(
            "--by", metavar="WHO", default=whoever_runs_this(), help="who applies it, for the event (%(default)s)"
        )
        parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print the report")

    def handle(self, *, file: str, dry_run: bool, check: bool, by: str, format: str, **options: object) -> None:
        name = "<stdin>" if file == "-" else file
        look_only = dry_run or check
        self.stderr.write(f"{'Comparing with' if look_only else 'Applying'} {name}", self.style.NOTICE)
        as_json = format == "json"
        try:
            text = _read(file)
            origin = {"by": as_name(by)[:MAX_BY], "sha256": hashlib.sha256(text.encode()).hexdigest()}
            report = apply(text, path=name, dry_run=look_only, origin=origin)
        except ConfigurationError as error:
            if as_json:
                self._print_json({"applied": False, "problems": _as_list(error)})
            raise CommandError(f"Nothing was applied.\n{error}") from None
        if as_json:
            self._print_json({"applied": not look_only, **report.as_dict()})
        else:
            self._print_text(report, look_only=look_only)
        if check and report.changed:
            raise CommandError("The database is not as the file says.", returncode=DRIFT)

    def _print_json(self, answer: dict[str, object]) -> None:
        self.stdout.write(json.dumps(answer, indent=2))

    def _print_text(self, report: Report, *, look_only: bool) -> None:
        for change in report.drift:
            self.stdout.write(change.intended if look_only else str(change))
        if not report.changed:
            self.stdout.write("Nothing to change.")
        if report.generated_secrets:
            self.stdout.write("\nThese secrets were made now. Keep them: they cannot be shown again.")
            for client_id, secret in report.generated_secrets.items():
                self.stdout.write(f"  {client_id}  {secret}")


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


def _as_list(error: ConfigurationError) -> list[dict[str, object]]:
    return [
        {"path": problem.place.path, "line": problem.place.line, "message": problem.message}
        for problem in error.problems
    ]
