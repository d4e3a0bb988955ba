"""The outbox of mail: what has to be sent, until it was."""

from __future__ import annotations

from django.db import models

from common import clock


class Mail(models.Model):
    """One mail to be sent. Its row is deleted when it was, or when it is too late.

    All of it is sealed: a link that resets a password signs its reader in, and nobody has to read who gets which mail.
    """

    sealed = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=clock.now, db_index=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"Mail of {self.created_at}"
