"""Who belongs to a project: members, who manage it, and people who have a role in its apps."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from projects.choices import Role


class Member(models.Model):
    """A person who manages a project without being a superuser."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=6, choices=Role.choices, default=Role.EDITOR)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="one_role_per_member"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="member_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class ProjectRole(models.Model):
    """What somebody may be in the apps of a project. It says nothing here: the apps are told, and decide."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="roles", verbose_name=_("project")
    )
    name = models.CharField(_("name"), max_length=64, help_text=_("What the apps are told, such as admin or editor."))
    description = models.CharField(_("description"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), "project", name="one_role_per_name_and_project"),
            models.CheckConstraint(condition=~models.Q(name=""), name="role_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class RoleGrant(models.Model):
    """A person has this role, or everybody in a group."""

    role = models.ForeignKey(ProjectRole, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="role_grants"
    )
    group = models.ForeignKey(
        "accounts.Group", on_delete=models.CASCADE, null=True, blank=True, related_name="role_grants"
    )

    class Meta:
        verbose_name = _("holder of a role")
        verbose_name_plural = _("holders of roles")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, group__isnull=True)
                | models.Q(user__isnull=True, group__isnull=False),
                name="role_is_of_a_person_or_a_group",
            ),
            models.UniqueConstraint(fields=["role", "user"], name="one_grant_per_role_and_person"),
            models.UniqueConstraint(fields=["role", "group"], name="one_grant_per_role_and_group"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.user or self.group}"
