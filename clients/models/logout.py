"""The outbox of back-channel logout: who has to be told that a sign-in ended, and whether they were."""

from __future__ import annotations

import uuid
from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts import subjects
from clients.models.client import Client
from common import clock


class Whom(NamedTuple):
    """Who gets a message: a client, or another recipient of a project, at an address."""

    client: int | uuid.UUID
    project: int | None
    uri: str


class NoticeState(models.TextChoices):
    DUE = "due", _("Due: will be sent, or sent again")
    DELIVERED = "delivered", _("Delivered")
    GIVEN_UP = "given_up", _("Given up: the app could not be reached for a day")
    DROPPED = "dropped", _("Dropped: no app is left to notify")


class LogoutNotice(models.Model):
    """One client to be told that one sign-in ended (OpenID Connect Back-Channel Logout 1.0).

    `sid` and `sub` are no foreign keys: apps are also told of somebody who deleted the account.
    """

    sid = models.UUIDField()  # as the client knows the sign-in
    sub = models.CharField(max_length=subjects.MAX_LENGTH)
    told_sub = models.CharField(max_length=subjects.MAX_LENGTH)  # as the client knows the person
    # A deleted client leaves its notices behind, so that it is on record why nobody was told.
    client = models.ForeignKey(
        Client, on_delete=models.SET_NULL, null=True, related_name="logout_notices", verbose_name=_("client")
    )
    state = models.CharField(_("state"), max_length=9, choices=NoticeState.choices, default=NoticeState.DUE)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=clock.now)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    problem = models.CharField(_("last problem"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("sign-in ended"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("logout notice")
        verbose_name_plural = _("logout notices")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["sid", "client"], name="client_is_told_once_of_a_sign_in"),
            models.CheckConstraint(condition=models.Q(state__in=NoticeState.values), name="notice_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(state=NoticeState.DELIVERED, delivered_at__isnull=False)
                | (~models.Q(state=NoticeState.DELIVERED) & models.Q(delivered_at__isnull=True)),
                name="notice_knows_when_it_was_delivered",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(state=NoticeState.DUE), name="notice_is_due"),
        ]

    def whom(self) -> Whom | None:
        client = self.client
        return Whom(client.pk, client.project_id, client.backchannel_logout_uri) if client else None

    def __str__(self) -> str:
        return f"Logout notice for {self.client or 'a deleted client'}"
