"""`manage.py cleartokens`: delete codes, tokens, authorizations and sign-ins that are worth nothing any more.

Named as the toolkit's own, which would look for columns ours do not have.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from clients import sweeping
from clients.sweeping import Pile

PROGRESS_EVERY = 2.0  # seconds


class Command(BaseCommand):
    help = "Delete what has expired or ended, in short steps. Safe at any time, and to interrupt."

    def add_arguments(self, parser: CommandParser) -> None:
        kept = "how long used codes, expired refresh tokens and what has ended are kept (default: %(default)s)"
        parser.add_argument("--keep-days", type=int, default=sweeping.RETENTION.days, metavar="DAYS", help=kept)
        parser.add_argument("--dry-run", action="store_true", help="count what would go, delete nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="of the answer on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keep_days"] < 1:
            raise CommandError("--keep-days must be at least 1: a code that is used twice has to be recognised.")
        dry_run = options["dry_run"]
        piles = sweeping.piles(timezone.now(), timedelta(days=options["keep_days"]))
        counts = {pile.name: self._sweep(pile, dry_run=dry_run) for pile in piles}
        if options["format"] == "json":
            self.stdout.write(json.dumps({"dry_run": dry_run, "deleted": counts}))
            return
        for name, count in counts.items():
            self.stdout.write(f"{'Would delete' if dry_run else 'Deleted'}: {count} {name.replace('_', ' ')}")

    def _sweep(self, pile: Pile, *, dry_run: bool) -> int:
        count, told = 0, time.monotonic()
        for piece in sweeping.sweep(pile, dry_run=dry_run):
            count += piece.rows
            if time.monotonic() - told > PROGRESS_EVERY:
                told = time.monotonic()
                self.stderr.write(f"{pile.name}: {100 * piece.done // piece.of} % of the table, {count} rows")
        return count
