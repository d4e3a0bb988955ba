"""The rows of groups, of who belongs to them, and of attributes. `groups` and `attribute_schema` alone write them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from common import clock

MAX_NAME = 100
MAX_DESCRIPTION = 500
MAX_EXTERNAL_ID = 255
MAX_LABEL = 100
MAX_SOURCE = 100
ATTRIBUTE_NAME = r"\A[A-Za-z][A-Za-z0-9_]{0,39}\Z"


class Group(models.Model):
    """People of this installation. Its id stays when it is called something else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=MAX_NAME)
    description = models.CharField(_("description"), max_length=MAX_DESCRIPTION, blank=True, default="")
    # How whoever provisions it knows it (SCIM's `externalId`).
    external_id = models.CharField(_("external ID"), max_length=MAX_EXTERNAL_ID, blank=True, default="")
    # What made it, and may rename and delete it; empty: people did by hand.
    source = models.CharField(max_length=MAX_SOURCE, blank=True, default="", editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="one_group_per_name",
                violation_error_message=_("Another group has this name."),
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="group_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupMember(models.Model):
    """Somebody belongs to a group, because this source said so. Each source takes back only what it said itself."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="group_members")
    # Empty: by hand. Else what manages it: a connector, or a client that provisions people.
    source = models.CharField(max_length=MAX_SOURCE, blank=True, default="")

    class Meta:
        verbose_name = _("member of a group")
        verbose_name_plural = _("members of groups")
        constraints = [models.UniqueConstraint(fields=["user", "group", "source"], name="one_membership_per_source")]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"


class Provisioned(models.Model):
    """A program elsewhere looks after this account, and no other program does. `provisioning` alone writes it."""

    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, primary_key=True, related_name="provisioned")
    source = models.CharField(max_length=MAX_SOURCE)
    external_id = models.CharField(max_length=MAX_EXTERNAL_ID, blank=True, default="")
    # How it calls what is kept, so that it finds that again: the label of an address, a name for display.
    said = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("source of an account")
        verbose_name_plural = _("sources of accounts")
        indexes = [models.Index(fields=["source", "external_id"], name="provisioned_by_external_id")]
        constraints = [models.CheckConstraint(condition=~models.Q(source=""), name="provisioned_by_something")]

    def __str__(self) -> str:
        return f"{self.user} by {self.source}"


class EditableBy(models.TextChoices):
    """Who may edit an attribute: this one, and whoever comes behind."""

    PERSON = "person", _("The person, and administrators")
    ADMINISTRATOR = "administrator", _("Administrators")
    IMPORT = "import", _("Nobody: it comes from an import")


class Attribute(models.Model):
    """What this installation wants to know of people beside the standard claims; or who may edit one of those."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    type = models.CharField(_("type"), max_length=20)
    label = models.CharField(_("label"), max_length=MAX_LABEL, blank=True, default="")
    editable_by = models.CharField(
        _("who may edit it"), max_length=20, choices=EditableBy.choices, default=EditableBy.ADMINISTRATOR
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("attribute")
        verbose_name_plural = _("attributes")
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="one_attribute_per_name"),
            models.CheckConstraint(condition=models.Q(name__regex=ATTRIBUTE_NAME), name="attribute_name_is_plain"),
            models.CheckConstraint(
                condition=models.Q(editable_by__in=EditableBy.values), name="attribute_has_an_editor"
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.name
