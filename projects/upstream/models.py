"""Connectors: where else people may sign in, and what is believed of what is said there."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.models import Project
from projects.upstream.choices import Kind
from projects.upstream.rules import KEY, MOST_METADATA


class Connector(models.Model):
    """One provider that people come from. Who is linked is in allauth's rows, under the key of this one."""

    key = models.CharField(
        _("key"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(rf"\A{KEY}\Z", _("Use lower case letters, digits and hyphens."))],
        help_text=_("Stable name used in addresses, files and commands."),
    )
    name = models.CharField(_("name"), max_length=100, help_text=_("What people read on its button."))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.OIDC)
    project = models.ForeignKey(
        Project,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="connectors",
        verbose_name=_("project"),
        help_text=_("Only people who come from an app of this project see it. Empty: everybody."),
    )
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Disabling it ends every sign-in that came from there.")
    )
    position = models.PositiveSmallIntegerField(_("order"), default=100, help_text=_("Of its button: low ones first."))
    issuer = models.CharField(_("issuer or address"), max_length=500, blank=True)
    tenant = models.CharField(_("tenant"), max_length=36, blank=True, help_text=_("The ID of the directory (a GUID)."))
    client_id = models.CharField(_("client ID"), max_length=255, blank=True)
    secret = models.TextField(blank=True, default="", editable=False)  # sealed
    scope = models.CharField(_("scopes"), max_length=500, blank=True, help_text=_("Asked for beside the usual ones."))
    metadata_uri = models.CharField(_("address of the metadata"), max_length=500, blank=True)
    metadata = models.TextField(_("metadata"), max_length=MOST_METADATA, blank=True)
    # Of SAML: what signs our messages there, sealed, and what shows it.
    saml_key = models.TextField(blank=True, default="", db_default="", editable=False)
    saml_certificate = models.TextField(blank=True, default="", db_default="", editable=False)
    search_base = models.CharField(_("search base"), max_length=500, blank=True)
    search_filter = models.CharField(_("search filter"), max_length=500, blank=True)
    domains = models.JSONField(_("domains that go straight there"), default=list, blank=True)
    owns_domains = models.JSONField(_("domains it owns"), default=list, blank=True)
    creates_people = models.BooleanField(_("creates people"), default=False)
    trusts_email = models.BooleanField(_("its word on addresses counts"), default=False)
    trusts_mfa = models.BooleanField(_("its word on second steps counts"), default=False)
    mfa_acr_values = models.JSONField(_("levels that stand for two factors"), default=list, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    groups_claim = models.CharField(_("claim with groups"), max_length=200, blank=True)
    groups = models.JSONField(_("groups"), default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("connector")
        verbose_name_plural = _("connectors")
        ordering = ["position", "key"]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="connector_kind_is_known"),
            models.CheckConstraint(condition=models.Q(key__regex=rf"^{KEY}$"), name="connector_key_is_clean"),
            models.CheckConstraint(condition=~models.Q(name=""), name="connector_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
