"""How many people a directory ended of late, so that a mistake there does not sign everybody out here."""

from __future__ import annotations

from django.db import models

from clients.models.client import Client
from common import clock


class Endings(models.Model):
    """What one client that brings people ended within an hour. `clients.endings` alone writes it."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, primary_key=True, related_name="+")
    begun_at = models.DateTimeField(default=clock.now)
    number = models.PositiveIntegerField(default=0)  # since then
    most = models.PositiveIntegerField()  # that it may
    held_at = models.DateTimeField(null=True)  # stopped, until somebody lets it go on
    free_until = models.DateTimeField(null=True)  # it ends as many as it likes

    def __str__(self) -> str:
        return f"{self.number} people ended by {self.client_id}"
