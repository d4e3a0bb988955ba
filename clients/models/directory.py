"""How many people a directory ended of late, so that a mistake there does not sign everybody out here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients.models.client import Client
from common import clock


class Endings(models.Model):
    """What one client that brings people ended within an hour. `clients.endings` alone writes it."""

    client = models.OneToOneField(
        Client, on_delete=models.CASCADE, primary_key=True, related_name="endings", verbose_name=_("client")
    )
    begun_at = models.DateTimeField(_("counted since"), default=clock.now)
    number = models.PositiveIntegerField(_("people it ended since then"), default=0)
    most = models.PositiveIntegerField(_("how many it may end"))
    held_at = models.DateTimeField(_("stopped"), null=True)  # until somebody lets it go on
    free_until = models.DateTimeField(_("ends people without a limit until"), null=True)

    class Meta:
        verbose_name = _("people a directory ended")
        verbose_name_plural = _("people that directories ended")

    def __str__(self) -> str:
        return f"{self.number} people ended by {self.client_id}"
