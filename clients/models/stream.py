"""Streams of the Shared Signals Framework: a client of a project that is sent security events, or fetches them."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts import subjects
from clients.models.client import Client
from clients.models.recipient import Recipient
from common import clock


class StreamStatus(models.TextChoices):
    """What the specification calls them (SSF 1.0 section 8.1.2)."""

    ENABLED = "enabled", _("enabled")
    PAUSED = "paused", _("paused: events wait")
    DISABLED = "disabled", _("disabled: events are not kept")


class DeliveryMethod(models.TextChoices):
    PUSH = "urn:ietf:rfc:8935", _("pushed")
    POLL = "urn:ietf:rfc:8936", _("fetched")


class Stream(Recipient):
    """What a receiver asked for. A client has one at most."""

    id = models.UUIDField(_("ID"), primary_key=True, default=uuid.uuid4, editable=False)
    client = models.OneToOneField(Client, on_delete=models.CASCADE, related_name="stream", verbose_name=_("client"))
    method = models.CharField(_("delivery"), max_length=17, choices=DeliveryMethod.choices)
    endpoint_url = models.CharField(_("address"), max_length=500, blank=True)  # of push
    authorization = models.TextField(blank=True, editable=False)  # sealed: what a push brings as its Authorization
    events_requested = models.JSONField(_("events"), default=list)
    description = models.CharField(_("description"), max_length=300, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=StreamStatus.choices, default=StreamStatus.ENABLED)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    verified_at = models.DateTimeField(null=True, editable=False)  # when a verification was last asked for
    created_at = models.DateTimeField(_("added"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("event stream")
        verbose_name_plural = _("event streams")
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=StreamStatus.values), name="stream_status_is_known"),
            models.CheckConstraint(
                condition=models.Q(method=DeliveryMethod.POLL, endpoint_url="", authorization="")
                | models.Q(method=DeliveryMethod.PUSH) & ~models.Q(endpoint_url=""),
                name="stream_that_is_pushed_has_an_address",
            ),
        ]

    def __str__(self) -> str:
        return f"Event stream of {self.client}"


class StreamExclusion(models.Model):
    """Somebody of whom a stream is told nothing: removed by the receiver."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="exclusions")
    sub = models.CharField(max_length=subjects.MAX_LENGTH)  # as the receiver knows them

    class Meta:
        verbose_name = _("person who is not told of")
        verbose_name_plural = _("people who are not told of")
        constraints = [models.UniqueConstraint(fields=["stream", "sub"], name="one_exclusion_per_stream_and_person")]

    def __str__(self) -> str:
        return self.sub
