"""Signing keys. The private part is encrypted under IDP_KEY_SECRETS; the public part is what the JWKS shows."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients.models.constraints import asymmetric
from common import clock, jws


class KeyState(models.TextChoices):
    NEXT = "next", _("Next: published, does not sign yet")
    ACTIVE = "active", _("Active: signs")
    RETIRED = "retired", _("Retired: published until its last token expires")
    REVOKED = "revoked", _("Revoked: nothing it signed is believed")


_NOT_ENDED = {"retired_at__isnull": True, "believed_until__isnull": True}
_ENDED = {"retired_at__isnull": False, "believed_until__isnull": False}


class SigningKey(models.Model):
    kid = models.CharField(_("key ID"), primary_key=True, max_length=64, help_text=_("RFC 7638 thumbprint."))
    algorithm = models.CharField(_("algorithm"), max_length=16, choices=jws.names)
    state = models.CharField(_("state"), max_length=7, choices=KeyState.choices, default=KeyState.NEXT)
    public_jwk = models.JSONField(_("public key"), editable=False)
    private_jwk = models.TextField(editable=False)
    created_at = models.DateTimeField(_("created at"), default=clock.now, editable=False)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)
    believed_until = models.DateTimeField(
        _("believed until"),
        null=True,
        blank=True,
        help_text=_("Fixed when the key retires. Nothing makes it later; revoking the key ends it at once."),
    )

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ["algorithm", "created_at", "kid"]
        constraints = [
            models.UniqueConstraint(
                fields=["algorithm"], condition=models.Q(state=KeyState.ACTIVE), name="one_active_key_per_algorithm"
            ),
            models.UniqueConstraint(
                fields=["algorithm"], condition=models.Q(state=KeyState.NEXT), name="one_next_key_per_algorithm"
            ),
            models.CheckConstraint(
                condition=asymmetric("algorithm") & ~models.Q(algorithm=""), name="key_algorithm_is_asymmetric"
            ),
            models.CheckConstraint(
                condition=models.Q(state=KeyState.NEXT, activated_at__isnull=True, **_NOT_ENDED)
                | models.Q(state=KeyState.ACTIVE, activated_at__isnull=False, **_NOT_ENDED)
                | models.Q(state__in=[KeyState.RETIRED, KeyState.REVOKED], **_ENDED),
                name="key_state_has_its_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} {self.kid[:8]} ({self.state})"
