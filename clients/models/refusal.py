"""Requests that were refused: what a developer, a person or an operator asks about afterwards."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_ERROR, MAX_STEP, MAX_DESCRIPTION, MAX_NETWORK = 60, 80, 300, 100


class RefusedRequest(models.Model):
    """The same refusal of one hour: how often, why, and where in the code. No value that was sent is here.

    Texts, not foreign keys: it outlives what it speaks of. `client_id` is that of a registered client, or empty.
    """

    hour = models.DateTimeField()
    project = models.CharField(_("project"), max_length=50, blank=True)
    client_id = models.CharField(_("client ID"), max_length=255, blank=True)
    endpoint = models.CharField(_("endpoint"), max_length=20)
    grant_type = models.CharField(_("grant type"), max_length=60, blank=True)
    error = models.CharField(_("error"), max_length=MAX_ERROR)
    step = models.CharField(_("step"), max_length=MAX_STEP)
    network = models.CharField(_("network"), max_length=MAX_NETWORK, blank=True)
    description = models.CharField(_("why"), max_length=MAX_DESCRIPTION, blank=True)
    count = models.PositiveIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first time"))
    last_at = models.DateTimeField(_("last time"), db_index=True)
    request_ids = models.TextField(_("references"), help_text=_("Of the last ones, the newest first."))

    class Meta:
        verbose_name = _("refused request")
        verbose_name_plural = _("refused requests")
        ordering = ["-last_at", "-pk"]
        indexes = [models.Index(fields=["client_id", "-last_at"], name="refused_of_client")]
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "client_id", "endpoint", "grant_type", "error", "step", "network"],
                name="one_row_for_the_same_refusal_of_an_hour",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.error}"
