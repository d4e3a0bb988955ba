"""What may be used once, and was."""

from __future__ import annotations

from django.db import models


class FirstUse(models.Model):
    """Something that may be used once was used: a digest, and until when that matters (`provider.store.replay`)."""

    digest = models.CharField(primary_key=True, max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"Used, which matters until {self.expires_at}"
