"""One run of `cleartokens`: every rule of the purge in turn, in short steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from provider import purge
from provider.purge import Batch, PurgeRule
from provider.store import events


class Stopped(Exception):
    """It was asked to stop before it came to the end. What it deleted is deleted."""


def clear(
    keep: timedelta = purge.RETENTION,
    keep_events: timedelta = purge.EVENTS_RETENTION,
    *,
    by: str,
    dry_run: bool = False,
    progress: Callable[[PurgeRule, Batch, int], None] = lambda _rule, _batch, _count: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, int]:
    """How many rows went by each rule; or would. Raises Stopped."""
    counts: dict[str, int] = {}
    for rule in purge.rules(timezone.now(), keep, keep_events):
        counts[rule.name] = 0
        for batch in purge.delete_in_batches(rule, dry_run=dry_run):
            counts[rule.name] += batch.rows
            progress(rule, batch, counts[rule.name])
            if should_stop():
                raise Stopped
    if not dry_run:
        events.swept(counts, by)
    return counts
