"""The logo of a consent screen, as it is kept: in the database, so that every node has it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Logo(models.Model):
    """A picture, found by the digest of what is to be seen. Its consent screen names the same digest."""

    project = models.OneToOneField("projects.Project", on_delete=models.CASCADE, related_name="logo")
    digest = models.CharField(max_length=64, db_index=True, editable=False)
    data = models.BinaryField(editable=False)  # a PNG of `projects.pictures`

    class Meta:
        verbose_name = _("logo")
        verbose_name_plural = _("logos")

    def __str__(self) -> str:
        return self.digest
