"""`manage.py cleartokens`: delete codes, tokens, authorizations, sign-ins, sessions and events that have expired.

It has the name of the toolkit's command, which would look for columns that our models do not have.
"""

from __future__ import annotations

from datetime import timedelta

from django.core.management.base import CommandParser

from common.command import DatabaseCommand, whoever_runs_this, wrong_use
from provider import purge
from provider.clearing import clear
from provider.purge import Batch, PurgeRule

MAX_DAYS = 36_500


def _check(option: str, days: int, reason: str = "") -> None:
    if not 1 <= days <= MAX_DAYS:
        raise wrong_use(f"{option} must be 1 to {MAX_DAYS:,}{reason if days < 1 else ''}.")


class Command(DatabaseCommand):
    writes = timer = True
    help = "Delete what has expired or ended, in short steps. Safe at any time, and to interrupt."

    def add_arguments(self, parser: CommandParser) -> None:
        kept = "how long used codes, expired refresh tokens and what has ended are kept (default: %(default)s)"
        parser.add_argument("--keep-days", type=int, default=purge.RETENTION.days, metavar="DAYS", help=kept)
        events = "how long account and security events are kept (default: %(default)s)"
        parser.add_argument(
            "--keep-events-days", type=int, default=purge.EVENTS_RETENTION.days, metavar="DAYS", help=events
        )
        super().add_arguments(parser)

    def handle(self, *, keep_days: int, keep_events_days: int, dry_run: bool, **options: object) -> None:
        _check("--keep-days", keep_days, ": a code that is used twice has to be recognised")
        _check("--keep-events-days", keep_events_days)
        keep, keep_events = timedelta(days=keep_days), timedelta(days=keep_events_days)
        counts = clear(keep, keep_events, by=whoever_runs_this(), dry_run=dry_run, progress=self._tell)
        self.ran({"deleted": sum(counts.values())})
        verb = "Would delete" if dry_run else "Deleted"
        self.answer(
            {"dry_run": dry_run, "deleted": counts},
            [f"{verb}: {count} {name.replace('_', ' ')}" for name, count in counts.items()],
        )

    def _tell(self, rule: PurgeRule, batch: Batch, count: int) -> None:
        self.progress(f"{rule.name}: {100 * batch.done // batch.total} % of the table, {count} rows")
