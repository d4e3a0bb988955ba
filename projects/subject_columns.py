"""What the apps of a project know people by, as its row keeps it (`projects.sectors`)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.choices import SubjectType


class SubjectColumns(models.Model):
    subject_type = models.CharField(
        _("what apps know people by"),
        max_length=8,
        choices=SubjectType.choices,
        default=SubjectType.PUBLIC,
        help_text=_(
            "With an identifier of its own, apps of other projects cannot find out that they know the same person. "
            "It is chosen before anybody signs in, for to apps another identifier is another person. While the project "
            "has clients or APIs, identifiers of its own stay."
        ),
    )
    # What makes them its own. It keeps projects apart from each other, and nothing from whoever reads this database.
    subject_salt = models.CharField(max_length=64, default="", blank=True, editable=False)

    class Meta:
        abstract = True
