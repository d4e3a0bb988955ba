"""Requests that browsers would carry in addresses too long for proxies, kept while their people sign in."""

from __future__ import annotations

from django.db import models


class KeptRequest(models.Model):
    """The parameters of one request, sealed: they name people, and may hold an ID token."""

    key = models.CharField(primary_key=True, max_length=43)
    sealed = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"Request kept until {self.expires_at}"
