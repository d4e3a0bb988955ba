"""The log of what matters for security. Every layer from here on writes it; its table belongs to the app `clients`."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

CLIENT_DELETED = "client.deleted"  # the kind that keeps a client id from being used again
API_DELETED = "api.deleted"  # and an API's address from being taken over by another project


class SecurityEvent(models.Model):
    """Append-only log of what matters for security. Texts, not foreign keys: it outlives what it speaks of."""

    at = models.DateTimeField(_("time"), auto_now_add=True, db_index=True)
    kind = models.CharField(_("kind"), max_length=60)
    client_id = models.CharField(_("client ID"), max_length=255, blank=True)
    target_client_id = models.CharField(_("client ID of the other client"), max_length=255, blank=True)
    sub = models.CharField(max_length=36, blank=True)
    detail = models.JSONField(_("details"), default=dict)

    class Meta:
        app_label = "clients"
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.client_id}"
