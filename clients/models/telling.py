"""Who is told what happened to people: webhooks of projects, what waits to be told, and how far the logs were read."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts import subjects
from clients.models.logout import NoticeState, Whom
from clients.models.recipient import Recipient
from clients.models.stream import Stream
from common import clock
from projects.models import Project


class ToldKind(models.TextChoices):
    """What a project may be told of people who use its apps. In the wire's words, and in those that people read."""

    DEACTIVATED = "person.deactivated", _("A person was deactivated")
    ACTIVATED = "person.activated", _("A person was activated again")
    DELETED = "person.deleted", _("A person's account was deleted")
    PASSWORD = "person.password_changed", _("A password was changed")
    FACTORS = "person.second_steps_changed", _("A passkey or another second step came or went")
    EMAIL = "person.email_changed", _("The mail address was changed")
    ROLES = "person.roles_changed", _("Somebody's roles in this project changed")
    GROUPS = "person.groups_changed", _("Somebody's groups changed")
    ACCESS = "access.ended", _("Somebody's access to an app ended: taken back, ended or signed out")


class Webhook(Recipient):
    """An address of a project that is told what happened to its people (Standard Webhooks)."""

    id = models.UUIDField(_("ID"), primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhooks", verbose_name=_("project"))
    url = models.CharField(_("address"), max_length=500)
    description = models.CharField(_("description"), max_length=100, blank=True)
    kinds = models.JSONField(_("events"), default=list, blank=True)  # none: all of them
    enabled = models.BooleanField(_("enabled"), default=True)
    # Why we disabled it ourselves; empty when somebody did.
    disabled_because = models.CharField(_("disabled because"), max_length=300, blank=True, editable=False)
    # Sealed, for it signs. While a new one is rolled out the one before it signs as well.
    secret = models.TextField(editable=False)
    secret_before = models.TextField(blank=True, editable=False)
    secret_made_at = models.DateTimeField(_("secret made"), default=clock.now, editable=False)
    created_at = models.DateTimeField(_("added"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(secret=""), name="webhook_has_a_secret"),
            models.CheckConstraint(condition=~models.Q(url=""), name="webhook_has_an_address"),
            models.CheckConstraint(
                condition=models.Q(enabled=False) | models.Q(disabled_because=""),
                name="webhook_that_is_enabled_was_not_disabled",
            ),
        ]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One event to be told to one recipient, until it was.

    What happened to one person is told in the order of these rows: a later one waits for those before it.
    """

    # The same each time it is sent: by it a recipient knows what they have had.
    message_id = models.UUIDField(_("ID"), default=uuid.uuid4, unique=True, editable=False)
    webhook = models.ForeignKey(
        Webhook,
        on_delete=models.CASCADE,
        null=True,
        db_index=False,
        related_name="deliveries",
        verbose_name=_("webhook"),
    )
    stream = models.ForeignKey(
        Stream,
        on_delete=models.CASCADE,
        null=True,
        db_index=False,
        related_name="deliveries",
        verbose_name=_("event stream"),
    )
    # As the recipient knows the person; empty: it is about nobody.
    sub = models.CharField(max_length=subjects.MAX_LENGTH, blank=True)
    kind = models.CharField(_("event"), max_length=60)
    data = models.JSONField(_("details"), default=dict)
    happened_at = models.DateTimeField(_("happened"))
    state = models.CharField(_("state"), max_length=9, choices=NoticeState.choices, default=NoticeState.DUE)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=clock.now)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    tried_at = models.DateTimeField(_("last try"), null=True, blank=True)
    status = models.PositiveSmallIntegerField(_("status of the answer"), null=True, blank=True)
    problem = models.CharField(_("last problem"), max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="deliveries_of_webhook"),
            # In order: nobody's later event before an earlier one.
            models.Index(
                fields=["webhook", "sub", "id"], condition=models.Q(state=NoticeState.DUE), name="delivery_is_due"
            ),
            models.Index(fields=["stream", "-id"], name="deliveries_of_stream"),
            models.Index(
                fields=["stream", "sub", "id"], condition=models.Q(state=NoticeState.DUE), name="signal_is_due"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=NoticeState.values), name="delivery_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(state=NoticeState.DELIVERED, delivered_at__isnull=False)
                | (~models.Q(state=NoticeState.DELIVERED) & models.Q(delivered_at__isnull=True)),
                name="delivery_knows_when_it_was_made",
            ),
            models.CheckConstraint(
                condition=models.Q(webhook__isnull=False, stream__isnull=True)
                | models.Q(webhook__isnull=True, stream__isnull=False),
                name="delivery_is_for_one",
            ),
        ]

    def whom(self) -> Whom | None:
        if self.webhook is not None:
            return Whom(self.webhook.pk, self.webhook.project_id, self.webhook.url)
        stream = self.stream
        return Whom(stream.pk, stream.client.project_id, stream.endpoint_url) if stream else None

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class Occurrence(models.Model):
    """Something that happened to a person which no log says, or not for whom: kept until it is spread.

    It is written in the transaction in which it happens, only where somebody will be told.
    """

    at = models.DateTimeField(default=clock.now)
    kind = models.CharField(max_length=60)
    sub = models.CharField(max_length=subjects.MAX_LENGTH)
    projects = models.JSONField(default=list)  # their rows' numbers: whom it concerns
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.kind} of {self.sub}"


class ReadUntil(models.Model):
    """How far both logs of events were read for those who are told. One row, and only where there is somebody."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    security = models.BigIntegerField()
    account = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="logs_are_read_once")]

    def __str__(self) -> str:
        return f"{self.security}.{self.account}"
