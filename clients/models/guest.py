"""Guest apps as the console lists them, and hosts where none is let in whatever projects say."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients.models.client import Client
from common import clock


class Guest(Client):
    """The rows of `Client` that have no project. For lists only: rows are written as clients."""

    class Meta:
        proxy = True
        verbose_name = _("guest app")
        verbose_name_plural = _("guest apps")


class BlockedHost(models.Model):
    """Whoever runs this provider keeps guests out that are there. What they had is over, also when it is lifted."""

    host = models.CharField(_("host"), max_length=300, unique=True)
    since = models.DateTimeField(_("blocked since"), default=clock.now, editable=False)
    lifted_at = models.DateTimeField(_("lifted"), null=True, editable=False)

    class Meta:
        verbose_name = _("blocked host")
        verbose_name_plural = _("blocked hosts")
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host
