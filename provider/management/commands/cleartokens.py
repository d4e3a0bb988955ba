"""`manage.py cleartokens`: delete codes, tokens, authorizations, sign-ins, sessions and events that have expired.

It has the name of the toolkit's command, which would look for columns that our models do not have.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from common.command import DatabaseCommand, whoever_runs_this
from provider import purge
from provider.purge import PurgeRule
from provider.store import events

PROGRESS_EVERY = 2.0  # seconds
MAX_DAYS = 36_500


def _check(option: str, days: int, reason: str = "") -> None:
    if not 1 <= days <= MAX_DAYS:
        raise CommandError(f"{option} must be 1 to {MAX_DAYS:,}{reason if days < 1 else ''}.")


class Command(DatabaseCommand):
    help = "Delete what has expired or ended, in short steps. Safe at any time, and to interrupt."

    def add_arguments(self, parser: CommandParser) -> None:
        kept = "how long used codes, expired refresh tokens and what has ended are kept (default: %(default)s)"
        parser.add_argument("--keep-days", type=int, default=purge.RETENTION.days, metavar="DAYS", help=kept)
        events = "how long account and security events are kept (default: %(default)s)"
        parser.add_argument(
            "--keep-events-days", type=int, default=purge.EVENTS_RETENTION.days, metavar="DAYS", help=events
        )
        parser.add_argument("--dry-run", action="store_true", help="count what would be deleted, delete nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print the answer")

    def handle(self, *, keep_days: int, keep_events_days: int, dry_run: bool, format: str, **options: object) -> None:
        _check("--keep-days", keep_days, ": a code that is used twice has to be recognised")
        _check("--keep-events-days", keep_events_days)
        rules = purge.rules(timezone.now(), timedelta(days=keep_days), timedelta(days=keep_events_days))
        counts = {rule.name: self._apply(rule, dry_run=dry_run) for rule in rules}
        if not dry_run:
            events.swept(counts, whoever_runs_this())
        if format == "json":
            self.stdout.write(json.dumps({"dry_run": dry_run, "deleted": counts}))
            return
        for name, count in counts.items():
            self.stdout.write(f"{'Would delete' if dry_run else 'Deleted'}: {count} {name.replace('_', ' ')}")

    def _apply(self, rule: PurgeRule, *, dry_run: bool) -> int:
        count, last_report = 0, time.monotonic()
        for batch in purge.delete_in_batches(rule, dry_run=dry_run):
            count += batch.rows
            if time.monotonic() - last_report > PROGRESS_EVERY:
                last_report = time.monotonic()
                self.stderr.write(f"{rule.name}: {100 * batch.done // batch.total} % of the table, {count} rows")
        return count
