"""Moments before which tokens are over: of people, clients, projects and APIs alike."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from common import clock


def moment_problem(before: datetime | None, after: datetime | None) -> str:
    """Forward only: an earlier moment would revive ended tokens, a future one would end tokens not yet issued."""
    if before and (after is None or after < before):
        return _("This moment can only move forward. Otherwise tokens that were ended would work again.")
    if after and after > clock.now():
        return _("This moment lies in the future. Enter now, or an earlier moment.")
    return ""
