"""Invitations: who was asked to come, until they do or it is too late."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.fields import MailAddressColumn
from common import clock
from projects.choices import Role


class Invitation(models.Model):
    """One mail that lets its reader make an account, and join a project. Accepted or taken back, its row is deleted.

    Of what the link holds only a digest is kept. It ends with whoever invited: a person who is deleted invites nobody.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    email = MailAddressColumn(_("e-mail address"), max_length=254)
    # None: to this provider alone.
    project = models.ForeignKey(
        "projects.Project",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="invitations",
        verbose_name=_("project"),
    )
    # Empty: they use its apps, and manage nothing.
    role = models.CharField(_("role"), max_length=6, choices=Role.choices, blank=True, default="")
    # What it brings beside that: roles in the apps of the project, and groups, as far as there still are.
    roles = models.ManyToManyField("projects.ProjectRole", related_name="+", blank=True, verbose_name=_("roles"))
    groups = models.ManyToManyField("accounts.Group", related_name="+", blank=True, verbose_name=_("groups"))
    console = models.BooleanField(_("enters the console"), default=False)
    # None: a program or a command invited.
    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("invited by"),
    )
    # The client id of the program that invited by a token of its own.
    program = models.CharField(max_length=255, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("invited"), default=clock.now, editable=False)
    sent_at = models.DateTimeField(_("mail sent"), default=clock.now, editable=False)
    expires_at = models.DateTimeField(_("works until"), editable=False)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(digest=""), name="invitation_has_a_digest"),
            models.CheckConstraint(condition=models.Q(role__in=["", *Role.values]), name="invitation_role_is_known"),
            models.CheckConstraint(
                condition=models.Q(project__isnull=False) | models.Q(role=""), name="a_role_is_in_a_project"
            ),
            models.UniqueConstraint(fields=["project", "email"], name="one_invitation_per_project_and_address"),
            models.UniqueConstraint(
                fields=["email"],
                condition=models.Q(project__isnull=True),
                name="one_invitation_to_the_provider_per_address",
            ),
        ]

    def __str__(self) -> str:
        return self.email
