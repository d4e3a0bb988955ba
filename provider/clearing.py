"""One run of `cleartokens`: every rule of the purge in turn, in short steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.core.management.base import CommandError
from django.db import Error
from django.utils import timezone

from clients.models import AccessToken
from common.database_errors import one_line
from provider import partitions, purge
from provider.purge import Batch, PurgeRule
from provider.store import events

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """It was asked to stop before it came to the end. What it deleted is deleted."""


class Incomplete(CommandError):
    """Some rules failed. The others did their part."""

    def __init__(self, failures: Mapping[str, Exception]) -> None:
        super().__init__(f"Not everything was deleted. {'; '.join(map(_said, failures, failures.values()))}")


def _said(name: str, error: Exception) -> str:
    return f"{name}: {one_line(error) if isinstance(error, Error) else type(error).__name__}"


def clear(
    keep: timedelta = purge.RETENTION,
    keep_events: timedelta = purge.EVENTS_RETENTION,
    *,
    by: str,
    dry_run: bool = False,
    progress: Callable[[PurgeRule, Batch, int], None] = lambda _rule, _batch, _count: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, int]:
    """How many rows went by each rule; or would. Raises Stopped, and at the end Incomplete."""
    counts: dict[str, int] = {}
    failures: dict[str, Exception] = {}
    days = 0 if dry_run else _drop_days(failures)
    for rule in purge.rules(timezone.now(), keep, keep_events):
        counts[rule.name] = days if rule.model is AccessToken else 0
        try:
            for batch in purge.delete_in_batches(rule, dry_run=dry_run):
                counts[rule.name] += batch.rows
                progress(rule, batch, counts[rule.name])
                if should_stop():
                    raise Stopped
        except Stopped:
            raise
        except Exception as error:  # a table that cannot be cleared keeps no other from it
            failures[rule.name] = error
            if not isinstance(error, Error):
                logger.exception("The rule %s failed.", rule.name)
    if len(failures) >= len(counts):  # the database is away, say
        raise failures.popitem()[1]
    if not dry_run:
        events.swept(counts, by)
    if failures:
        raise Incomplete(failures)
    return counts


def _drop_days(failures: dict[str, Exception]) -> int:
    """Where access tokens are divided by days: about how many were in those that are over, which go at once.

    Where they are not, a run that was killed while it divided them may have left its check.
    """
    try:
        if partitions.are_bound():
            partitions.unbind()
        return partitions.keep().rows if partitions.are_kept() else 0
    except Error as error:
        failures["days of access tokens"] = error
        return 0
