"""What all who are sent events have in common."""

from __future__ import annotations

from django.db import models


class Recipient(models.Model):
    """Somebody who is sent events, and may fail: how often in a row, and until when nothing is sent there."""

    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    not_before = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True
