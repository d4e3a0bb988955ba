"""Client secrets, as digests. They are made, adopted, revoked and compared in `clients.secrets`."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients.models.client import Client


class ClientSecret(models.Model):
    """One secret, as a digest. A client has two slots, so that a new secret can be rolled out before the old one ends.

    A revoked secret keeps its row without a slot: what it was last used for stays known.
    """

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="secrets")
    slot = models.PositiveSmallIntegerField(null=True, choices=[(1, "1"), (2, "2")])
    digest = models.CharField(max_length=255, editable=False)
    # Of a chosen secret: spares `applyconfig` the slow hash (common.chosen).
    fingerprint = models.CharField(max_length=64, blank=True, default="", editable=False)
    label = models.CharField(_("label"), max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("client secret")
        verbose_name_plural = _("client secrets")
        ordering = ["slot", "-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["client", "slot"], name="client_secret_slot_is_taken_once"),
            models.CheckConstraint(
                condition=models.Q(slot__in=[1, 2], revoked_at__isnull=True)
                | models.Q(slot__isnull=True, revoked_at__isnull=False),
                name="client_secret_has_a_slot_until_revoked",
            ),
            models.CheckConstraint(condition=~models.Q(digest=""), name="client_secret_is_never_empty"),
        ]

    def __str__(self) -> str:
        return self.label or gettext("Secret #%(number)s") % {"number": self.pk}
