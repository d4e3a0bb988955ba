"""Whom a project or a client lets in, as rows keep it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.choices import SignIn
from projects.sign_in import Rule


class SignInColumns(models.Model):
    """Ids and no relation: requests read them with the row, and one that is gone leaves the rule closed."""

    sign_in = models.CharField(
        _("who may sign in"),
        max_length=6,
        choices=SignIn.choices,
        default=SignIn.ANYONE,
        help_text=_("Whoever may not any more is out at once: tokens they allowed stop working."),
    )
    sign_in_ids = models.JSONField(default=list, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def sign_in_rule(self) -> Rule:
        return Rule(self.sign_in, frozenset(map(str, self.sign_in_ids)))
