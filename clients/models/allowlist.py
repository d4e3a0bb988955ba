"""The audiences a client may ask for."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from clients.models.client import Client
from projects import matcher
from projects.apis import refusal_to_list


class EntryMode(models.TextChoices):
    PREFIX = "prefix", _("This address and everything below it")
    EXACT = "exact", _("Exactly this value")


class AudienceEntry(models.Model):
    """A row of a client's allowlist. No rows: no audience may be requested."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="audience_entries")
    value = models.CharField(
        _("audience"), max_length=matcher.MAX_LENGTH, help_text=_("An API's address, or a name agreed with it.")
    )
    canonical = models.CharField(max_length=matcher.MAX_LENGTH, editable=False)
    mode = models.CharField(_("covers"), max_length=6, choices=EntryMode.choices, default=EntryMode.PREFIX)
    default = models.BooleanField(
        _("default"), default=False, help_text=_("Used when an app asks for no audience at all.")
    )

    class Meta:
        verbose_name = _("audience")
        verbose_name_plural = _("audiences")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["client", "canonical"], name="client_lists_an_audience_once"),
            models.CheckConstraint(condition=~models.Q(canonical=""), name="audience_entry_is_never_empty"),
            models.CheckConstraint(condition=models.Q(mode__in=EntryMode.values), name="audience_mode_is_known"),
        ]

    def __str__(self) -> str:
        return self.value

    def clean(self) -> None:
        """Well-formed, and not an API of a project that does not share it with ours."""
        try:
            matcher.check_registrable(self.value, plain_http=settings.IDP_PLAIN_HTTP_AUDIENCES)
        except matcher.Malformed as error:
            raise ValidationError({"value": str(error)}) from None
        if Client.objects.filter(client_id=self.value).exists():
            raise ValidationError({"value": _("This is the ID of a client, not an audience.")})
        project = getattr(getattr(self, "client", None), "project", None)
        if project is not None and (problem := refusal_to_list(self.value, project)):
            raise ValidationError({"value": problem})

    def save(self, *args: Any, **kwargs: Any) -> None:
        parsed = matcher.check_registrable(self.value, plain_http=settings.IDP_PLAIN_HTTP_AUDIENCES)
        self.canonical = parsed.canonical
        if parsed.scheme not in ("http", "https"):
            self.mode = EntryMode.EXACT  # only http(s) addresses have something below them
        super().save(*args, **kwargs)
