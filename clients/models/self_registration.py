"""How apps register themselves in a project, and what they change their registration with. Tokens are digests here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients.models.client import Client
from projects.models import Project


class InitialAccessToken(models.Model):
    """Whoever has it registers apps in a project (RFC 7591 section 3): so many, until then, within these bounds."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="initial_tokens", verbose_name=_("project")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    label = models.CharField(_("label"), max_length=100, blank=True)
    scope = models.TextField(_("scopes"), blank=True)
    audiences = models.JSONField(_("audiences"), default=list, blank=True)
    require_pkce = models.BooleanField(_("require PKCE"), default=True)
    most = models.PositiveIntegerField(_("apps at most"), default=1)
    used = models.PositiveIntegerField(_("apps registered"), default=0, editable=False)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta:
        verbose_name = _("initial access token")
        verbose_name_plural = _("initial access tokens")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(digest=""), name="initial_token_has_a_digest"),
            models.CheckConstraint(
                condition=models.Q(used__lte=models.F("most")), name="initial_token_is_used_as_often_as_it_may"
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"#{self.pk}"


class RegistrationAccess(models.Model):
    """What an app that registered itself reads and changes its registration with (RFC 7592 section 1.1)."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, related_name="registration_access")
    digest = models.CharField(max_length=64, editable=False)
    initial_token = models.ForeignKey(
        InitialAccessToken, on_delete=models.SET_NULL, null=True, related_name="registered"
    )

    class Meta:
        verbose_name = _("registration access token")
        verbose_name_plural = _("registration access tokens")
        constraints = [models.CheckConstraint(condition=~models.Q(digest=""), name="registration_access_has_a_digest")]

    def __str__(self) -> str:
        return str(self.client)
