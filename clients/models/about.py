"""What a client says about itself, and about the sign-ins it wants (OpenID Connect Registration 1.0 section 2)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from clients.models.choices import ApplicationType


class AboutTheApp(models.Model):
    """Columns of `Client`."""

    client_type: str

    application_type = models.CharField(
        _("kind of app"), max_length=10, choices=ApplicationType.choices, default=ApplicationType.WEB
    )
    contacts = models.JSONField(_("contacts"), default=list, blank=True)
    client_uri = models.CharField(_("home page"), max_length=500, blank=True)
    logo_uri = models.CharField(_("logo"), max_length=500, blank=True)
    policy_uri = models.CharField(_("privacy policy"), max_length=500, blank=True)
    tos_uri = models.CharField(_("terms of service"), max_length=500, blank=True)
    initiate_login_uri = models.CharField(_("address that begins a sign-in"), max_length=500, blank=True)
    default_max_age = models.PositiveIntegerField(_("oldest sign-in in seconds"), null=True, blank=True)
    default_acr_values = models.JSONField(_("preferred strength of sign-ins"), default=list, blank=True)

    class Meta:
        abstract = True

    @property
    def native(self) -> bool:
        """It takes the port that it gets, on the person's device."""
        return self.client_type == "public" or self.application_type == ApplicationType.NATIVE

    @property
    def begins_at(self) -> str:
        """Where it begins a sign-in with us when somebody opens it (OpenID Connect Core 1.0 section 4); or nothing."""
        uri = str(self.initiate_login_uri)
        return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'iss': settings.IDP_ISSUER})}" if uri else ""
