"""What the worker does, and when. Each job is what a command does as well, by whose name `status` tells of it.

What waits in outboxes is sent by every worker, as soon as it is written: each row is taken by one of them. The rest is
done by one worker at a time, the one that holds its lease, when the last run on record was long enough ago, whoever it
was by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts import outbox
from clients.models import SigningKey
from clients.models.keys import KeyState
from common import clock
from common.command import whoever_runs_this
from common.timers import TimerRun
from projects.actors import Actor
from provider import deliveries
from provider.clearing import clear
from provider.keys import rounds

Said = Mapping[str, object]
SOON = 1.0  # seconds between two looks into an outbox
NOW_AND_THEN = 60.0  # and at what is due once in a while
RETRY = timedelta(minutes=10)  # after a run that failed


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of a job, as the job sees it."""

    should_stop: Callable[[], bool]  # asked between two steps, which also says that it still gets on
    tell: Callable[[str], None]  # what went wrong with one of many


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    run: Callable[[Turn], Said]
    pause: float
    is_due: Callable[[datetime | None, datetime], bool] | None = None  # None: always, and by every worker
    on_record: bool = True

    @property
    def shared(self) -> bool:
        """Whether one worker does it for all."""
        return self.is_due is not None

    def due(self, last: TimerRun | None, now: datetime) -> bool:
        if self.is_due is None:
            return True
        if last is not None and last.failed:
            return last.ended_at <= now - RETRY
        return self.is_due(last.ended_at if last else None, now)


def _mail(turn: Turn) -> Said:
    counts: Counter[str] = Counter(sent=0, failed=0, given_up=0)

    def report(attempt: outbox.Attempt) -> None:
        counts[attempt.state.value] += 1
        if attempt.problem:
            turn.tell(f"a mail was not sent: {attempt.problem}")

    outbox.deliver(turn.should_stop, report)
    return counts


def _notices(turn: Turn) -> Said:
    def report(attempt: deliveries.Attempt) -> None:
        if attempt.problem:
            turn.tell(deliveries.sentence(attempt))

    return deliveries.deliver_all(turn.should_stop, report)


def _clear(turn: Turn) -> Said:
    counts = clear(by=f"worker of {whoever_runs_this()}"[:100], should_stop=turn.should_stop)
    return {"deleted": sum(counts.values())}


def _rotate(turn: Turn) -> Said:
    """Where a key has signed for so long that it is time for the next one; and a key that is missing is made."""
    every = timedelta(days=settings.IDP_KEY_ROTATION_DAYS)
    steps = rounds.take(rounds.due(every), Actor.operator("worker", whoever_runs_this()))
    signing = SigningKey.objects.filter(state=KeyState.ACTIVE, activated_at__isnull=False)
    oldest = signing.order_by("activated_at").values_list("activated_at", flat=True).first()
    said: dict[str, object] = {step.algorithm: step.action for step in steps}
    return said | ({"next": f"{oldest + every:%Y-%m-%d}"} if oldest is not None else {})


def nightly(last: datetime | None, now: datetime) -> bool:
    """Whether there was none since the hour in which it runs last came, in UTC."""
    hour = now.replace(hour=settings.IDP_CLEARING_HOUR, minute=0, second=0, microsecond=0)
    return last is None or last < (hour if hour <= now else hour - timedelta(days=1))


def hourly(last: datetime | None, now: datetime) -> bool:
    return last is None or last <= now - timedelta(hours=1)


JOBS = (
    Job("delivermail", _mail, SOON),
    Job("deliverevents", _notices, SOON),
    Job("cleartokens", _clear, NOW_AND_THEN, nightly),
    Job("rotatekeys", _rotate, NOW_AND_THEN, hourly),
)


def is_due(job: Job) -> bool:
    return not job.shared or job.due(TimerRun.objects.filter(pk=job.name).first(), clock.now())
