"""Answers of the HTTP API that are given again to whoever asks again (Idempotency-Key)."""

from __future__ import annotations

from django.db import models


class KeptAnswer(models.Model):
    """By a digest of who asked, where, and of the key that was sent. It never holds a secret."""

    digest = models.CharField(primary_key=True, max_length=64)
    body_digest = models.CharField(max_length=64)  # of what was asked
    status = models.PositiveSmallIntegerField()
    location = models.CharField(max_length=2048, blank=True)
    body = models.TextField(blank=True)  # empty: what was answered is not said twice
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"Answer kept until {self.expires_at}"
