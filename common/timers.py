"""When the commands of timers last ran, and how that ended: for whoever asks whether they run at all."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

from django.db import models

from common import clock

AT_MOST_EVERY = 60.0  # seconds: a service that runs every five writes no more than that


class TimerRun(models.Model):
    """The last run of a command. Its table belongs to the app `clients`."""

    command = models.CharField(primary_key=True, max_length=40)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    failed = models.BooleanField(default=False)
    said = models.JSONField(default=dict)  # counts, or why it failed
    run_by = models.CharField(max_length=100)

    class Meta:
        app_label = "clients"

    def __str__(self) -> str:
        return f"{self.command} at {self.ended_at}"


_recorded: dict[str, float] = {}  # when this process recorded a run of each command, on the clock that only counts


def record(
    command: str,
    began_at: datetime,
    said: Mapping[str, object],
    run_by: str,
    *,
    failed: bool = False,
    often: bool = False,
) -> None:
    """`often`: it comes again in a moment, so not every run needs to be on record."""
    now = time.monotonic()
    last = _recorded.get(command)
    if often and not failed and last is not None and now - last < AT_MOST_EVERY:
        return
    _recorded[command] = now
    values = {"began_at": began_at, "ended_at": clock.now(), "failed": failed, "said": dict(said), "run_by": run_by}
    TimerRun.objects.update_or_create(command=command, defaults=values)
