"""`manage.py importusers FILE`: people from a file, from any table of any system."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from django.core.management.base import CommandParser
from django.db import IntegrityError

from accounts import attributes
from common.command import NO, DatabaseCommand, Refused, kept_unless, whoever_runs_this, wrong_use
from idp.moving.files import NAMES, Columns, Reading, rows
from idp.moving.people import Outcome, People, Refusal
from projects.actors import Actor
from projects.events import record

SHOWN = 50  # rows of each list, in words; programs get all
OURS = sorted({one for names in NAMES.values() for one in names} | NAMES.keys())


class Command(DatabaseCommand):
    help = "Make accounts of the rows of a CSV or JSON file. Who is here already stays as they are."
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV with a header, or JSON; - reads standard input")
        parser.add_argument(
            "--map", action="append", default=[], metavar="OURS=THEIRS", help="which column is what: sub=id"
        )
        parser.add_argument("--trust-addresses", action="store_true", help="addresses were verified unless a row says")
        parser.add_argument("--with-staff", action="store_true", help="is_staff and is_superuser count")
        parser.add_argument("--rejected", metavar="FILE", help="writes refused rows there as CSV, with the reason")
        super().add_arguments(parser)

    def handle(self, *args: object, file: str, dry_run: bool, **options: object) -> None:
        by, known = Actor.operator("importusers", run_by=whoever_runs_this()), attributes.further()
        said, staff, trusted = _mapped(options["map"], known), options["with_staff"], options["trust_addresses"]
        columns = Columns(said, bool(staff), bool(trusted), known)
        reading, people = Reading(), People(by)
        with _opened(file) as opened, _all_or_batches(dry_run):
            for outcome in people.take(rows(opened, columns, reading)):
                self.progress(f"{outcome.made + outcome.known:,} people")
                _forget(reading, outcome)
            if not dry_run and people.outcome.made:
                made: dict[str, object] = {"people": people.outcome.made}
                record(by, "people.imported", made=made)
        outcome = people.outcome
        outcome.refused = sorted([*outcome.refused, *reading.refused], key=_place)
        if rejected := options["rejected"]:
            _write_rejected(Path(str(rejected)), outcome.refused, reading)
        ignored = [name for name in reading.columns if name not in columns.known]
        document = {"dry_run": dry_run, **outcome.as_dict(), "ignored_columns": ignored}
        self.answer(document, _lines(outcome, ignored, dry_run=dry_run))
        if outcome.refused:
            raise Refused(f"{len(outcome.refused):,} rows were refused.", returncode=NO)


def _mapped(said: object, known: Iterable[str]) -> dict[str, str]:
    found, all_of_ours = {}, [*OURS, *known]
    for one in said if isinstance(said, list) else []:
        ours, sign, theirs = str(one).partition("=")
        if not sign or ours not in all_of_ours:
            raise wrong_use(f"--map takes OURS=THEIRS, and ours are {', '.join(all_of_ours)}.")
        found[ours] = theirs
    return found


@contextlib.contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    """As text. A byte that is no UTF-8 spoils its row only."""
    if name == "-":
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape", newline="")  # type: ignore[union-attr]
        yield sys.stdin
        return
    try:
        file = Path(name).open(encoding="utf-8-sig", errors="surrogateescape", newline="")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        raise wrong_use(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    with file:
        yield file


@contextlib.contextmanager
def _all_or_batches(dry_run: bool) -> Iterator[None]:
    """Each batch is kept when it is done, so that others can write in between; of a dry run nothing is."""
    if dry_run:
        with kept_unless(dry_run):
            yield
        return
    try:
        yield
    except IntegrityError:
        said = "Somebody else made one of these accounts in this very moment. What was taken stays: run this again."
        raise Refused(said) from None


def _forget(reading: Reading, outcome: Outcome) -> None:
    """Rows that were taken; a million of them would fill the memory."""
    refused = {one.where for one in (*reading.refused, *outcome.refused)}
    reading.raw = {where: raw for where, raw in reading.raw.items() if where in refused}


def _place(one: Refusal) -> int:
    return int(one.where.rpartition(" ")[2])


def _write_rejected(path: Path, refused: list[Refusal], reading: Reading) -> None:
    """With the columns of the file, so that it can be corrected and imported. There are hashes in it."""
    listed = [reading.raw.get(one.where, {}) for one in refused]
    columns = [*reading.columns, *dict.fromkeys(name for raw in listed for name in raw if name not in reading.columns)]
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*columns, "why"])
            for one, raw in zip(refused, listed, strict=True):
                writer.writerow([*(raw.get(name, "") for name in columns), one.why])
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from None


def _lines(outcome: Outcome, ignored: list[str], *, dry_run: bool) -> Iterator[str]:
    if dry_run:
        yield "Nothing was changed. This is what would come of it."
    yield f"people: {outcome.made:,} new, {outcome.known:,} known, {len(outcome.refused):,} refused"
    lists = {"refused": outcome.refused, "without a password": outcome.without_password}
    for what, found in lists.items():
        yield from (f"  - {what}: {one.where} ({one.name}): {one.why}" for one in found[:SHOWN])
        if len(found) > SHOWN:
            yield f"  - {what}: and {len(found) - SHOWN:,} more (--format json, --rejected FILE)"
    if ignored:
        yield f"columns that nothing was made of: {', '.join(ignored)}"
