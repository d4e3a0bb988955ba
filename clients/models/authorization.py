"""What a person allowed a client to do, once."""

from __future__ import annotations

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import SignIn
from clients.models.client import Client
from common import clock
from projects.models import Consent, Project


class Authorization(models.Model):
    """One completed authorization: the ceiling of every code and token that points to it.

    Ending it (`ended_at`) ends them all, because every lookup joins it. Refresh generations live here: a
    compare-and-set on this one row decides which of several parallel refreshes was first.
    """

    id = models.UUIDField(_("ID"), primary_key=True, default=uuid.uuid4, editable=False)
    # Its client and its person may be gone: it is worth nothing from that moment on, and cleared later
    # (`clients.remains`). The database lets it stand meanwhile.
    client = models.ForeignKey(
        Client,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="authorizations",
        verbose_name=_("client"),
    )
    # Found by `authorization_of_person`, which begins with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="authorizations",
    )
    sign_in = models.ForeignKey(SignIn, on_delete=models.SET_NULL, null=True, related_name="authorizations")
    # Of a guest app: the project whose door it came in by. Its consent is this very row, for it is always asked.
    project = models.ForeignKey(
        Project,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="guest_authorizations",
        verbose_name=_("project"),
    )
    # None in first-party projects, where nobody was asked, and of guest apps.
    consent = models.ForeignKey(Consent, on_delete=models.CASCADE, null=True, related_name="authorizations")

    scopes = models.JSONField(_("ceiling: scopes"), default=list)
    audiences = models.JSONField(_("ceiling: audiences"), default=list)
    # What the authorization request named and got: a token request that names nothing gets this.
    asked_scopes = models.JSONField(default=list)
    asked_audiences = models.JSONField(default=list)
    # Where it named no audience: the default entries it got, so that it shows when the last of them was removed.
    default_audiences = models.JSONField(default=list, blank=True)
    offline = models.BooleanField(_("refresh tokens"), default=False)
    narrowed = models.BooleanField(_("an audience was refused"), default=False)
    # Single claims the request asked for and the person allowed (OpenID Connect Core 1.0 section 5.5), by where they
    # go: {"userinfo": ["email"], "id_token": ["name"]}. The scopes they were shown as are in the ceiling.
    claims = models.JSONField(default=dict, blank=True)

    auth_time = models.DateTimeField(_("signed in at"))
    acr = models.CharField(max_length=100, blank=True)
    amr = models.JSONField(default=list)

    created_at = models.DateTimeField(_("created at"), default=clock.now, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_because = models.CharField(_("ended because"), max_length=40, blank=True)
    # When it ends by itself: the project's longest grant, or what the person chose. Only ever shortened
    # (`projects.ends`).
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)

    generation = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField(null=True, blank=True)
    # The digest of the refresh token whose use made the current generation.
    rotated_from = models.CharField(max_length=64, blank=True)
    # A refresh token's successor is derived from it and a seed: that of the current generation's, and the one that the
    # token in `rotated_from` is answered with while it is honoured.
    seed = models.CharField(max_length=64, default=secrets.token_hex, editable=False)
    seed_before = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = _("authorization")
        verbose_name_plural = _("authorizations")
        indexes = [
            models.Index(fields=["user", "client"], name="authorization_of_person"),
            # The list of the console begins with the newest; to sort all of them for a page takes too long.
            models.Index(fields=["-created_at"], name="authorization_newest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(generation=0, rotated_at__isnull=True, rotated_from="")
                | (models.Q(generation__gt=0, rotated_at__isnull=False) & ~models.Q(rotated_from="")),
                name="authorization_knows_its_rotation",
            ),
            models.CheckConstraint(
                condition=models.Q(project__isnull=True) | models.Q(consent__isnull=True),
                name="authorization_of_a_guest_shares_no_consent",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, ended_because="")
                | (models.Q(ended_at__isnull=False) & ~models.Q(ended_because="")),
                name="authorization_says_why_it_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"Authorization {self.pk} of {self.client}"
